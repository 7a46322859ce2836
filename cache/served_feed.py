"""What hands served requests to their stream, off the request path."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final

from cache.errors import StoreUnavailable
from cache.keys import SERVED_STREAM
from cache.served import Served, encode
from cache.streams import Streams

AT_ONCE: Final = 2
"""Messages of one append: more would keep the event loop for longer than 0.1 ms."""


class ServedFeed:
    """`offer` never waits: past `queue_limit` it drops. What cannot be appended is dropped too.

    Messages are encoded in a thread: compression takes most of the time and leaves the event loop
    alone.
    """

    def __init__(
        self,
        streams: Streams,
        *,
        queue_limit: int = 256,
        stream_limit: int = 2000,
        flush_s: float = 0.05,
    ) -> None:
        self._streams = streams
        self._queue: deque[Served] = deque()
        self._queue_limit = queue_limit
        self._stream_limit = stream_limit
        self._flush_s = flush_s
        self._offered = asyncio.Event()
        self.counts: Counter[str] = Counter()

    def offer(self, make: Callable[[], Served]) -> None:
        """Counts `offered`, or `dropped` when the queue is full: then nothing is made."""
        if len(self._queue) >= self._queue_limit:
            self.counts["dropped"] += 1
            return
        self.counts["offered"] += 1
        self._queue.append(make())
        self._offered.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._offered.wait()
            # Waiting a little makes one append of several messages.
            await asyncio.sleep(self._flush_s)
            await self.flush()

    async def flush(self) -> None:
        """Appends all that is queued.

        Counts messages: `sent`, `failed` (no store), `refused` (past a bound).
        """
        self._offered.clear()
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
