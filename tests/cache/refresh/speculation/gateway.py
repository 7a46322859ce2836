"""What a gateway does for one request of a trace, on the real store and the real streams."""

from typing import NamedTuple

import numpy as np

from cache.arrays import F32, I64, U64
from cache.demand import HIT, MISS, STALE, Demand, Others
from cache.demand_feed import DemandFeed
from cache.keys import pair_keys
from cache.tiers import PAIR, Lookup, TtlPolicy, resolve
from tests.cache.fake_clock import FakeClock
from tests.cache.refresh.live_space import LiveSpace

DIM, TASKS = 8, 2


class Request(NamedTuple):
    user_id: str
    at_ms: int
    context: U64  # [Fc]
    context_numbers: F32  # [Gc]
    item_keys: U64  # [n]
    scores: F32  # [n]


class Gateway:
    def __init__(self, space: LiveSpace, ttl: TtlPolicy, clock: FakeClock) -> None:
        self._space = space
        self._ttl = ttl
        self._feed = DemandFeed(space.demand, flush_s=0.0, clock=clock, wall_ms=lambda: 0)

    async def answer(self, request: Request) -> I64:
        """`[n]` ages in ms of the pairs that it read, −1 without one."""
        user_id, at_ms, context, numbers, item_keys, scores = request
        page = await self._space.page(user_id)
        lookup = Lookup(page, pair_keys(item_keys, context), at_ms)
        found = resolve([lookup], self._ttl, DIM, TASKS)
        standing = np.where(found.tier != PAIR, MISS, np.where(found.stale, STALE, HIT))
        none = Others(item_keys[:0], scores[:0], standing.astype(np.uint8))
        demand = Demand(user_id, at_ms, context, numbers, item_keys, scores, none)
        self._feed.offer(demand.asking(found.wanted))
        await self._feed.flush()
        return np.where(found.tier == PAIR, np.round(1000.0 * found.age_s), -1).astype(np.int64)
