"""Reads of requests: no pool, no queue, one connection that all of them share."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from cache.connection import unavailable_when_failing
from cache.errors import StoreUnavailable
from cache.line import Line, LineLost

Values = list[bytes | None]


class PipelinedReads:
    """Each read is its own command, sent at once: nobody overtakes an earlier caller, and one that
    gives up takes no connection down with it."""

    def __init__(self, open_line: Callable[[], Awaitable[Line]]) -> None:
        self._open_line = open_line
        self._line: Line | None = None
        self._opening: asyncio.Task[Line] | None = None
        self._is_closed = False

    async def get_many(self, keys: Sequence[bytes]) -> Values:
        """Raises StoreUnavailable."""
        try:
            values = await (self._good() or await self._opened()).ask(b"MGET", *keys)
        except LineLost:
            # Once more: a connection left dead by a restart heals unseen.
            values = await (self._good() or await self._opened()).ask(b"MGET", *keys)
        if not _are_values(values, len(keys)):
            raise StoreUnavailable(f"asked for {len(keys)} values and was told {str(values)[:80]}")
        return cast(Values, values)

    async def close(self) -> None:
        """Whoever waits for an answer gets StoreUnavailable; for a connection, is cancelled."""
        self._is_closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        if self._line is not None:
            self._line.end("closed")

    def _good(self) -> Line | None:
        line = self._line
        return line if line is not None and line.is_good() else None

    async def _opened(self) -> Line:
        """One attempt for all who wait; it outlives a caller that gives up."""
        if self._is_closed:
            raise StoreUnavailable("the store is closed")
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._note)
        return await asyncio.shield(self._opening)

    async def _open(self) -> Line:
        with unavailable_when_failing("connect"):
            return await self._open_line()

    def _note(self, opening: asyncio.Task[Line]) -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self._line = opening.result()


def _are_values(answer: Any, count: int) -> bool:
    """Something else may listen at the address, and speak the protocol."""
    if not isinstance(answer, list) or len(answer) != count:
        return False
    return all(value is None or isinstance(value, bytes) for value in answer)
