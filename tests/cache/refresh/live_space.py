"""One space's demand on a real server, and workers of it in this process."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from cache import page
from cache.account import Account
from cache.connection import connect
from cache.demand import Demand, encode
from cache.demand_keys import ShardKeys, SpaceKeys, shard_of
from cache.page import Page
from cache.redis_demand import RedisDemand
from cache.redis_store import RedisStore
from cache.redis_streams import MAX_BLOCK_MS, RedisStreams
from cache.refresh.attempt import Attempts
from cache.refresh.backlog import Backlog
from cache.refresh.batch_size import BatchSize
from cache.refresh.hand import Hand
from cache.refresh.intake import Intake
from cache.refresh.lease import Leases
from cache.refresh.own_shards import OwnShards
from cache.refresh.pages import PageRules, PageWriter
from cache.refresh.refresh_loop import RefreshLoop
from cache.refresh.roster import Roster
from cache.refresh.server_clock import ServerClock
from cache.refresh.settling import Settling
from cache.refresh.tally import Tally
from cache.refresh.teacher import Judge
from cache.refresh.teacher_thread import ENDLESS, Patience
from cache.refresh.worker import Refresher
from cache.store import Store
from cache.tiers import TtlPolicy
from tests.bundles import log_schema
from tests.cache.refresh.worker_bench import Counting

SPACE = "s"
SHARDS = 4
LEASE_MS = 60_000


class LiveSpace:
    def __init__(self, url: str, shards: int = SHARDS) -> None:
        # redis-py types replies as unions of every protocol's.
        self.client: Any = connect(url, max_connections=8, wait_ms=2 * MAX_BLOCK_MS)
        self.store = RedisStore(self.client)
        self.stores: list[Store] = [self.store]
        self.shards = shards
        self.demand = RedisDemand(self.client, SPACE)
        self.backlog = Backlog(self.client, SPACE, shards)

    async def ask(self, *demands: Demand, limit: int = 10_000) -> None:
        for asked in demands:
            await self.append(asked.user_id, encode(asked, 0), limit)

    async def append(self, user_id: str, body: bytes, limit: int = 10_000) -> None:
        await self.demand.append({shard_of(user_id, self.shards): [body]}, limit)

    async def account(self) -> Account:
        return await self.backlog.account()

    async def waiting(self) -> int:
        """Messages."""
        return sum(await self.backlog.lengths())

    async def is_settled(self) -> bool:
        return await self.waiting() == 0

    async def page(self, user_id: str) -> Page | None:
        pages = PageWriter(self.store, SPACE, PageRules(TtlPolicy()), Tally("refresh"))
        value = await self.client.get(pages.key(user_id))
        return None if value is None else page.decode(value)

    async def ends_lease(self, shard: int) -> None:
        """As if its time were over."""
        await self.client.delete(ShardKeys.of(SPACE, shard).lease)

    async def forgets_workers(self) -> None:
        """As if none had been heard of for long."""
        await self.client.delete(SpaceKeys.of(SPACE).workers)

    async def close(self) -> None:
        for store in self.stores:
            await store.close()


class Hired:
    """A worker whose loop is run step by step; `clock` is its monotonic one."""

    def __init__(
        self,
        space: LiveSpace,
        name: bytes = b"one",
        teacher: Judge | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        ttl: TtlPolicy | None = None,
        max_pairs: int = 10_000,
        store: Store | None = None,
        lease_ms: int = LEASE_MS,
        patience: Patience = ENDLESS,
    ) -> None:
        ttl = ttl or TtlPolicy()
        self.counting = Counting()
        self.tally = Tally("refresh")
        self.store = store or space.store
        space.stores.append(self.store)
        self.server_clock = ServerClock(clock)
        self.own = self._own_shards(space, name, lease_ms, clock)
        self.size = BatchSize(50.0, 4096)
        self.hand = Hand(max_pairs)
        self.backlog = Backlog(space.client, SPACE, space.shards)
        pages = PageWriter(self.store, SPACE, PageRules(ttl), self.tally)
        self.refresher = Refresher(
            self.store, teacher or self.counting, log_schema(), pages, ttl, self.tally,
            self.server_clock, self.size, patience=patience,
        )  # fmt: skip
        self.intake = Intake(self.backlog, self.refresher.decode, self.hand)
        self.attempts = Attempts(
            SPACE, Settling(self.own, self.backlog, self.tally), self.backlog, self.refresher,
            RedisStreams(space.client), self.server_clock, self.tally, ttl.hard_s,
        )  # fmt: skip
        self.loop = RefreshLoop(
            self.own, self.intake, self.hand, self.size, self.attempts, self.backlog, self.tally
        )

    def _own_shards(
        self, space: LiveSpace, name: bytes, lease_ms: int, clock: Callable[[], float]
    ) -> OwnShards:
        shards = space.shards
        roster = Roster(space.client, SPACE, name, shards=shards, ttl_ms=lease_ms)
        leases = Leases(space.client, SPACE, name, lease_ms, clock)
        return OwnShards(
            SPACE, roster, leases, self.server_clock, self.tally,
            shards=shards, lease_ms=lease_ms, monotonic=clock,
        )  # fmt: skip

    async def works(self) -> None:
        """Until nothing is left that it may take."""
        await self.own.tick()
        while True:
            await self.intake.refill(self.own.leases(), 0)
            if not (self.hand or self.intake.rubbish):
                return
            await self.loop.step()

    def asked_items(self) -> Sequence[int]:
        """Of each question to the teacher, how many items."""
        return [len(wanted.item_keys) for wanted in self.counting.wanted]
