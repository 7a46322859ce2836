"""What is loaded: the senders that reach it, the requests, and the time that it has used."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

from loadtest.bench.sizes import IN_FLIGHT
from loadtest.open_loop import Sender
from loadtest.pool import Pool


class ClosableSender(Sender, Protocol):
    async def close(self) -> None: ...


class Target(NamedTuple):
    connect: Callable[[], ClosableSender]
    requests: Sequence[bytes]
    cpu_s: Callable[[], float]

    @asynccontextmanager
    async def sender(self) -> AsyncIterator[Sender]:
        opened = self.connect()
        try:
            yield opened
        finally:
            await opened.close()


def http(url: str) -> Callable[[], ClosableSender]:
    return lambda: Pool(url, IN_FLIGHT)
