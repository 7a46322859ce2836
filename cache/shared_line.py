"""One connection to one server, opened when it is needed and shared by all who read."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from cache.connection import unavailable_when_failing
from cache.errors import StoreUnavailable
from cache.line import Line, LineLost


class SharedLine:
    def __init__(self, open_line: Callable[[], Awaitable[Line]]) -> None:
        self._open_line = open_line
        self._line: Line | None = None
        self._opening: asyncio.Task[Line] | None = None
        self._is_closed = False

    async def ask(self, *command: bytes) -> Any:
        """An error reply comes as a value of hiredis.ReplyError. Raises StoreUnavailable."""
        try:
            return await (self._good() or await self._opened()).ask(*command)
        except LineLost:
            # Once more: a connection left dead by a restart heals unseen.
            return await (self._good() or await self._opened()).ask(*command)

    async def ask_asking(self, *command: bytes) -> Any:
        """Of a node that is taking the slot over, and serves only who says that he was sent."""
        line = self._good() or await self._opened()
        answers = await asyncio.gather(line.ask(b"ASKING"), line.ask(*command))
        return answers[1]

    def renew(self, why: str) -> None:
        """The next one to ask opens another connection; those who wait get LineLost."""
        if self._line is not None:
            self._line.end(why)

    def is_idle(self) -> bool:
        return self._opening is None and (self._line is None or self._line.is_idle())

    async def close(self) -> None:
        """Whoever waits for an answer gets StoreUnavailable; for a connection, is cancelled."""
        self._is_closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        self.renew("closed")

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
