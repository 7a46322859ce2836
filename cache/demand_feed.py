"""What hands demands to their shards, off the request path."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from cache.clock import wall_clock_ms
from cache.demand import Demand, encode
from cache.demand_keys import SHARDS, shard_of
from cache.errors import StoreUnavailable
from cache.keys import pair_keys
from cache.outbox import Outbox
from cache.recent import RecentPairs

TURN_S: Final = 0.0005
"""Demands of one turn of the event loop end with it: most take some 25 µs, but one of a user with
many recent pairs takes more than ten times as long, so that a fixed number would bound nothing."""


class DemandSink(Protocol):
    """Where a feed appends; every call may raise StoreUnavailable."""

    async def shards(self, if_absent: int) -> int: ...

    async def append(self, by_shard: Mapping[int, Sequence[bytes]], limit: int) -> None:
        """`limit` is of messages of one shard; the oldest are dropped above."""
        ...


class DemandFeed(Outbox[tuple[Demand, int]]):
    """Takes demands off the request path and appends them to their users' shards in batches.

    Pairs that the same user was offered within `window_s` are demanded once; a demand that tells of
    others is sent even when it demands nothing. A batch that cannot be
    appended is dropped and forgotten: the next miss asks again. `stream_limit` is of messages in
    all shards.

    Counts `offered`, `dropped`, `sent`, `duplicate`, `failed` (no store), `refused` (past a bound).
    """

    def __init__(
        self,
        sink: DemandSink,
        *,
        queue_limit: int = 1024,
        window_s: float = 10.0,
        flush_s: float = 0.02,
        stream_limit: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        super().__init__(queue_limit, flush_s)
        self._sink = sink
        self._recent = RecentPairs(window_s)
        self._stream_limit = stream_limit
        self._clock = clock
        self._wall_ms = wall_ms
        self._shards = SHARDS
        self._is_certain = False

    def offer(self, demand: Demand) -> None:
        """Never waits."""
        self._keep(lambda: (demand, self._wall_ms()))

    async def _send(self) -> None:
        queued, self._queue = self._queue, deque()
        bodies = await self._bodies(queued)
        if not bodies:
            return
        try:
            await self._append(bodies)
            self.counts["sent"] += len(bodies)
        except StoreUnavailable:
            self._recent.forget()
            # A server that lost its memory has lost the number as well.
            self._is_certain = False
            self.counts["failed"] += len(bodies)

    async def _bodies(self, queued: Iterable[tuple[Demand, int]]) -> list[tuple[str, bytes]]:
        """Of those that are sent, each with its user; lets the event loop turn meanwhile."""
        bodies = []
        ends_s = self._clock() + TURN_S
        for demand, enqueued_ms in queued:
            if self._clock() >= ends_s:
                await asyncio.sleep(0)
                ends_s = self._clock() + TURN_S
            body = self._body(demand, enqueued_ms)
            if body is not None:
                bodies.append((demand.user_id, body))
        return bodies

    async def _append(self, bodies: Sequence[tuple[str, bytes]]) -> None:
        if not self._is_certain:
            self._shards = await self._sink.shards(self._shards)
            self._is_certain = True
        by_shard: defaultdict[int, list[bytes]] = defaultdict(list)
        for user_id, body in bodies:
            by_shard[shard_of(user_id, self._shards)].append(body)
        await self._sink.append(by_shard, -(-self._stream_limit // self._shards))

    def _body(self, demand: Demand, enqueued_ms: int) -> bytes | None:
        """None when nothing of it is new, or when it cannot be sent."""
        pairs = pair_keys(demand.item_keys, demand.context)
        now_s = self._clock()
        is_new = ~self._recent.seen(demand.user_id, pairs, now_s)
        if not is_new.any() and demand.others is None:
            self.counts["duplicate"] += 1
            return None
        if is_new.any():
            self._recent.remember(demand.user_id, pairs[is_new], now_s)
        try:
            return encode(demand.asking(is_new), enqueued_ms)
        except ValueError:
            self.counts["refused"] += 1
            return None
