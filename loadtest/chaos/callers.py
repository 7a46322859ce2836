"""Callers who try nothing twice, and remember what failed on which connection."""

import asyncio
import time
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

from loadtest.connection import Answer, Connection
from loadtest.errors import LoadTestError

CONNECTIONS: Final = 64
NEVER: Final = float("inf")


class Failure(NamedTuple):
    """A request that nothing came back to; times are monotonic."""

    at_s: float
    opened_s: float  # its connection; infinity where there was none
    port: int  # ours of that connection; 0 where there was none
    why: str


class _Line(Connection):
    """Knows its own port, and since when it has it."""

    port = 0
    opened_s = NEVER

    async def _streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        before = self._writer
        if before is None or self._reader is None or self._reader.at_eof():
            self.port, self.opened_s = 0, NEVER
        reader, writer = await super()._streams()
        if writer is not before:
            self.port, self.opened_s = writer.get_extra_info("sockname")[1], time.monotonic()
        return reader, writer


class Callers:
    """A Sender whose connections are used in turn, so that each worker has some of them."""

    def __init__(self, url: str, size: int = CONNECTIONS) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
        self.failures: list[Failure] = []
        self._size = size
        self._idle: asyncio.Queue[_Line] = asyncio.Queue()
        for _ in range(size):
            self._idle.put_nowait(_Line(host, port))

    async def send(self, request: bytes, timeout_s: float) -> Answer:
        """Raises LoadTestError, or TimeoutError once `timeout_s` has passed."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._sent(request)
        except TimeoutError:
            self.failures.append(Failure(time.monotonic(), NEVER, 0, "no answer in time"))
            raise

    async def _sent(self, request: bytes) -> Answer:
        line = await self._idle.get()
        try:
            return await line.send_once(request)
        except LoadTestError as error:
            failure = Failure(time.monotonic(), line.opened_s, line.port, str(error))
            self.failures.append(failure)
            raise
        finally:
            self._idle.put_nowait(line)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *ending: object) -> None:
        """Waits for what is in flight."""
        for _ in range(self._size):
            (await self._idle.get()).close()
