"""A timeout that blames the other side only after it was listened to."""

import asyncio
from types import TracebackType
from typing import Final

SLICES: Final = 8


class FairTimeout:
    """As asyncio.timeout, in SLICES timers one after another.

    A loop that was busy with other requests finds its timers due before it has looked at its
    sockets (uvloop always, asyncio sometimes): one timer would report a slow server when the
    answer has long been there. Between two timers the loop has looked; an answer takes a few looks
    from the socket to the task that waits for it.
    """

    def __init__(self, seconds: float) -> None:
        self._slice_s = seconds / SLICES
        self._left = SLICES
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._timeout.__aenter__()
        self._arm()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raises TimeoutError when time was up."""
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _arm(self) -> None:
        self._timer = self._loop.call_later(self._slice_s, self._tick)

    def _tick(self) -> None:
        self._left -= 1
        if self._left:
            self._arm()
        else:
            self._timeout.reschedule(self._loop.time())
