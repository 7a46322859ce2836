"""What leaves a request's path: kept in a bounded queue, and sent a little later by the bunch."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Outbox(ABC, Generic[T]):
    """Nothing here waits for the server: past `queue_limit` it drops. `counts` are of messages."""

    def __init__(self, queue_limit: int, flush_s: float) -> None:
        """`flush_s`: waiting a little makes one append of several messages."""
        self._queue: deque[T] = deque()
        self._queue_limit = queue_limit
        self._flush_s = flush_s
        self._offered = asyncio.Event()
        self.counts: Counter[str] = Counter()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._offered.wait()
            await asyncio.sleep(self._flush_s)
            await self.flush()

    async def flush(self) -> None:
        """Sends all that is queued."""
        self._offered.clear()
        await self._send()

    @abstractmethod
    async def _send(self) -> None:
        """Empties the queue."""

    def _keep(self, make: Callable[[], T]) -> None:
        """Counts `offered`, or `dropped` when the queue is full: then nothing is made."""
        if len(self._queue) >= self._queue_limit:
            self.counts["dropped"] += 1
            return
        self.counts["offered"] += 1
        self._queue.append(make())
        self._offered.set()
