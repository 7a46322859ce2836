"""Demand at a steady rate, as a gateway sends it, and what of it reached the server."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from redis.asyncio import Redis

from cache.clock import wall_clock_ms
from cache.demand import Demand, decode
from cache.demand_feed import DemandFeed
from cache.errors import StoreUnavailable
from cache.keys import pair_keys
from cache.redis_demand import RedisDemand
from models.features.hashing import key64, keys64
from tests.bundles import ITEMS, SPACE

USERS = 500
EVERY_S = 0.02
ITEM_KEYS = keys64([f"item-{number}" for number in range(ITEMS)])


class RecordedDemand(RedisDemand):
    def __init__(self, client: Redis, space: str) -> None:
        super().__init__(client, space)
        self.asked: defaultdict[str, set[int]] = defaultdict(set)  # user → pairs
        self.pairs = 0
        self.unsure = 0
        """Pairs of appends that failed: the server may have taken them all the same."""

    async def append(self, by_shard: Mapping[int, Sequence[bytes]], limit: int) -> None:
        demands = [decode(body).demand for bodies in by_shard.values() for body in bodies]
        pairs = sum(len(demand.item_keys) for demand in demands)
        try:
            await super().append(by_shard, limit)
        except StoreUnavailable:
            self.unsure += pairs
            raise
        self.pairs += pairs
        for demand in demands:
            self.asked[demand.user_id].update(pair_keys(demand.item_keys, demand.context).tolist())


class Demanding:
    """`rate` messages a second."""

    def __init__(self, client: Redis, rate: float, seed: int) -> None:
        self.sink = RecordedDemand(client, SPACE)
        self._feed = DemandFeed(self.sink, window_s=1.0)
        self._rate = rate
        self._rng = np.random.default_rng(seed)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, and all of it is appended."""
        due = 0.0
        while not stop.is_set():
            due += self._rate * EVERY_S
            for _ in range(int(due)):
                self._feed.offer(self._demand())
            due -= int(due)
            await self._feed.flush()
            await asyncio.sleep(EVERY_S)

    def _demand(self) -> Demand:
        count = int(self._rng.integers(1, 41))
        return Demand(
            f"user-{self._rng.integers(USERS)}",
            as_of_ms=wall_clock_ms(),
            context=np.array([key64("feed")], np.uint64),
            context_numbers=np.array([320.0], np.float32),
            item_keys=self._rng.choice(ITEM_KEYS, count, replace=False),
            scores=self._rng.random(count, np.float32),
        )
