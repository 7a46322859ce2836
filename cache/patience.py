"""How long the reads of a request wait, counted for all of them by one timer."""

import asyncio
from types import TracebackType
from typing import Final

TICKS: Final = 8


class Patience:
    """Lets each wait last `seconds`, and an eighth more at most.

    As FairTimeout, a wait ends only after the loop has looked at its sockets several times. A timer
    and a timeout for each read would cost as much as the read itself. Belongs to one event loop.
    """

    def __init__(self, seconds: float) -> None:
        self._tick_s = seconds / TICKS
        self._waits: set[Wait] = set()
        self._is_ticking = False

    def wait(self) -> "Wait":
        """A context in which TimeoutError is raised when it lasts too long."""
        return Wait(self)

    def enter(self, wait: "Wait") -> None:
        self._waits.add(wait)
        if not self._is_ticking:
            self._is_ticking = True
            wait.loop.call_later(self._tick_s, self._tick, wait.loop)

    def leave(self, wait: "Wait") -> None:
        self._waits.discard(wait)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until nobody waits."""
        for wait in [wait for wait in self._waits if wait.is_over()]:
            self._waits.discard(wait)
            wait.end()
        self._is_ticking = bool(self._waits)
        if self._is_ticking:
            loop.call_later(self._tick_s, self._tick, loop)


class Wait:
    """One task's; as asyncio.timeout, ended by a cancellation that comes out as TimeoutError."""

    __slots__ = ("_cancelled_before", "_is_ended", "_patience", "_task", "_ticks", "loop")

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._ticks = 0
        self._is_ended = False

    def is_over(self) -> bool:
        # The first tick may have been due when the wait began.
        self._ticks += 1
        return self._ticks > TICKS

    def end(self) -> None:
        self._is_ended = True
        self._task.cancel()

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "only a task can be ended"
        self._task = task
        self.loop = task.get_loop()
        self._cancelled_before = task.cancelling()
        self._patience.enter(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_ended:
            self._patience.leave(self)
        elif self._task.uncancel() <= self._cancelled_before and kind is asyncio.CancelledError:
            raise TimeoutError from error
