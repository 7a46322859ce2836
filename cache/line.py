"""One connection to the server, commands written back to back and answers taken in their order.

A client library spends more on a command than the server does: a pool, a lock, retries, a timer.
A read of a request needs none of it, so redis-py opens the connection (address, TLS, password,
database) and steps aside.
"""

import asyncio
from collections import deque
from time import monotonic
from typing import Any, Final, NamedTuple, Self, cast

import hiredis
from redis.asyncio import Redis

from cache.errors import StoreUnavailable

Answer = asyncio.Future[Any]

MAX_FLYING: Final = 512
"""Commands without an answer yet, those of callers that gave up included."""


class LineLost(StoreUnavailable):
    """The connection ended before the answer came; another one may do better."""


class _Flying(NamedTuple):
    answer: Answer
    until_s: float
    values: int  # that the answer has; 0 where nobody can know


class Line(asyncio.Protocol):
    """A caller that gives up leaves its place in the queue, so answers keep their order."""

    def __init__(self, connection: Any, answer_s: float) -> None:
        """Takes the transport over from a redis-py connection that is open and idle."""
        self._answer_s = answer_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._flying: deque[_Flying] = deque()
        self._unsent: list[bytes] = []
        self._is_lost = False
        # Kept, since a writer that is let go closes its transport.
        self._writer, connection._writer = connection._writer, None
        self._transport = cast(asyncio.Transport, self._writer.transport)
        self._transport.set_protocol(self)

    @classmethod
    async def open(cls, client: Redis, answer_s: float) -> Self:
        return await cls.of_pool(client.connection_pool, answer_s)

    @classmethod
    async def of_pool(cls, pool: Any, answer_s: float) -> Self:
        """A connection that the pool makes, and never sees again."""
        connection = pool.make_connection()
        try:
            await pool.ensure_connection(connection)
            if connection._reader.at_eof():
                raise LineLost("the server closed the connection at once")
            return cls(connection, answer_s)
        finally:
            await connection.disconnect()

    def is_good(self) -> bool:
        """Ends a line whose server has been silent too long: it may be gone without a word."""
        if self._flying and self._flying[0].until_s < monotonic():
            self.end("the server is silent")
        return not (self._is_lost or self._transport.is_closing())

    def is_idle(self) -> bool:
        """Nobody waits for an answer."""
        return not self._flying

    def ask(self, *command: bytes) -> Answer:
        """The future answer, an error reply as a value of hiredis.ReplyError. Raises LineLost."""
        if self._is_lost:
            raise LineLost("the connection ended before it was used")
        if len(self._flying) >= MAX_FLYING:
            raise StoreUnavailable(f"{MAX_FLYING} reads wait for an answer")
        answer = self._loop.create_future()
        values = len(command) - 1 if command[0] == b"MGET" else 0
        self._flying.append(_Flying(answer, monotonic() + self._answer_s, values))
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(hiredis.pack_command(cast(Any, command)))
        return answer

    def _send(self) -> None:
        """All that was asked in one turn of the loop goes out in one packet."""
        unsent, self._unsent = self._unsent, []
        if not self._is_lost:
            self._transport.write(b"".join(unsent))

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (value := self._reader.gets()) is not False:
                self._answered(value)
        except (hiredis.HiredisError, UnicodeDecodeError) as error:
            self.end(f"the server does not speak its protocol: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        self.end(f"the connection ended: {error or 'closed by the server'}")

    def end(self, why: str) -> None:
        """Whoever waits gets LineLost."""
        self._is_lost = True
        self._transport.abort()
        while self._flying:
            answer = self._flying.popleft().answer
            if not answer.done():
                answer.set_exception(LineLost(why))

    def _answered(self, value: Any) -> None:
        if not self._flying:
            self.end("the server answers what nobody asked")
            return
        answer, _, values = flying = self._flying.popleft()
        if values and is_another(value, values):
            self._flying.appendleft(flying)
            self.end("its answers are out of step")
        elif not answer.done():
            answer.set_result(value)


def is_another(value: Any, values: int) -> bool:
    """Neither so many values nor an error: a number that was damaged on the way moves answers to
    other callers, and a page does not say whose it is."""
    if value.__class__ is list:
        return len(value) != values
    return not isinstance(value, hiredis.ReplyError)
