"""Reads that wait at the same time travel together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

Values = list[bytes | None]


class _Waiting(NamedTuple):
    keys: Sequence[bytes]
    answer: asyncio.Future[Values]


class SharedReads:
    """At most `lanes` commands are under way; what arrives meanwhile joins the next one.

    So a busy process needs few connections and few round trips, nobody overtakes an earlier
    caller (redis-py's pool lets them: under load a waiter starves), and a caller that gives up
    takes no connection down with it. `limit` bounds the reads in one command.
    """

    def __init__(
        self,
        read: Callable[[Sequence[bytes]], Awaitable[Values]],
        lanes: int = 2,
        limit: int = 32,
    ) -> None:
        self._read = read
        self._lanes = lanes
        self._limit = limit
        self._waiting: deque[_Waiting] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def get_many(self, keys: Sequence[bytes]) -> Values:
        """Raises what the read raised, to everyone who shared it."""
        answer: asyncio.Future[Values] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(keys, answer))
        if len(self._running) < self._lanes:
            lane = asyncio.create_task(self._drive())
            self._running.add(lane)
            lane.add_done_callback(self._running.discard)
        return await answer

    async def close(self) -> None:
        """Whoever still waits is cancelled."""
        for lane in self._running:
            lane.cancel()
        for waiting in self._waiting:
            waiting.answer.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _drive(self) -> None:
        while together := self._boarding():
            try:
                await self._answer(together)
            finally:
                for waiting in together:
                    waiting.answer.cancel()

    def _boarding(self) -> list[_Waiting]:
        """The earliest who still wait."""
        together: list[_Waiting] = []
        while self._waiting and len(together) < self._limit:
            waiting = self._waiting.popleft()
            if not waiting.answer.done():
                together.append(waiting)
        return together

    async def _answer(self, together: Sequence[_Waiting]) -> None:
        try:
            values = await self._read([key for waiting in together for key in waiting.keys])
        except Exception as error:
            for waiting in together:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
            return
        at = 0
        for waiting in together:
            end = at + len(waiting.keys)
            if not waiting.answer.done():
                waiting.answer.set_result(values[at:end])
            at = end
