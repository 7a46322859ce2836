"""Connections to one gateway, shared by requests in flight."""

import asyncio
from typing import Self
from urllib.parse import urlsplit

from loadtest.connection import Answer, Connection


class Pool:
    """At most `size` requests in flight; the rest wait, and their wait is part of their latency."""

    def __init__(self, url: str, size: int) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
        # The last one used comes first: few stay warm instead of all growing old.
        self._idle: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for _ in range(size):
            self._idle.put_nowait(Connection(host, port))
        self._size = size

    async def send(self, request: bytes, timeout_s: float) -> Answer:
        """Raises LoadTestError, or TimeoutError once `timeout_s` has passed."""
        async with asyncio.timeout(timeout_s):
            connection = await self._idle.get()
            try:
                return await connection.send(request)
            finally:
                self._idle.put_nowait(connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *ending: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Waits for what is in flight."""
        for _ in range(self._size):
            (await self._idle.get()).close()
