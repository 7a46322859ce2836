"""What hands served requests to their stream, off the request path."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from cache.errors import StoreUnavailable
from cache.keys import SERVED_STREAM
from cache.outbox import Outbox
from cache.served import Served, encode
from cache.streams import Streams

AT_ONCE: Final = 2
"""Messages of one append: more would keep the event loop for longer than 0.1 ms."""


class ServedFeed(Outbox[Served]):
    """What cannot be appended is dropped.

    Messages are encoded in a thread: compression takes most of the time and leaves the event loop
    alone. Counts `offered`, `dropped`, `sent`, `failed` (no store), `refused` (past a bound).
    """

    def __init__(
        self,
        streams: Streams,
        *,
        queue_limit: int = 256,
        stream_limit: int = 2000,
        flush_s: float = 0.05,
    ) -> None:
        super().__init__(queue_limit, flush_s)
        self._streams = streams
        self._stream_limit = stream_limit

    def offer(self, make: Callable[[], Served]) -> None:
        """Never waits; nothing is made when the queue is full."""
        self._keep(make)

    async def _send(self) -> None:
        while self._queue:
            size = min(AT_ONCE, len(self._queue))
            batch = [self._queue.popleft() for _ in range(size)]
            bodies = await asyncio.to_thread(_bodies, batch)
            self.counts["refused"] += size - len(bodies)
            await self._append(bodies)

    async def _append(self, bodies: Sequence[bytes]) -> None:
        try:
            await self._streams.append(SERVED_STREAM, bodies, self._stream_limit)
            self.counts["sent"] += len(bodies)
        except StoreUnavailable:
            self.counts["failed"] += len(bodies)


def _bodies(batch: Sequence[Served]) -> list[bytes]:
    """Of those that are within the bounds."""
    bodies = []
    for served in batch:
        try:
            bodies.append(encode(served))
        except ValueError:
            continue
    return bodies
