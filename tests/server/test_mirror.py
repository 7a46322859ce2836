import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from cache.breaker import CircuitBreaker
from cache.demand import decode
from cache.demand_feed import DemandFeed
from cache.memory_store import MemoryStore
from cache.reader import CacheReader
from cache.standing import Standing
from cache.tiers import TtlPolicy
from models.features.hashing import keys64
from server.mirror import WAITING, Mirror
from server.ranked import Ranked
from server.stages import StageClock
from server.wire import RankRequest
from tests.bundles import NOW_MS, SPACE
from tests.cache.refresh.waiting import until
from tests.server.conftest import Served
from tests.server.kept import body_of, loaded_lane
from tests.server.loaded_cache import page_of

READY = 5


class Sink:
    """Demand as it arrives."""

    def __init__(self) -> None:
        self.items: set[int] = set()

    async def shards(self, if_absent: int) -> int:
        return if_absent

    async def append(self, by_shard: Mapping[int, Sequence[bytes]], limit: int) -> None:
        for bodies in by_shard.values():
            for body in bodies:
                self.items.update(decode(body).demand.item_keys.tolist())


class Reflecting:
    """A lane whose user has pairs for 10 of 20 candidates, and a space to come with five."""

    def __init__(self, ranked: Ranked, schema: Any, *, reads_teacher: bool = True) -> None:
        self.ranked = ranked
        self.store = MemoryStore()
        self.sink = Sink()
        self.feed = DemandFeed(self.sink)
        reader = CacheReader(self.store, SPACE, 1000.0, CircuitBreaker())
        feed = self.feed if reads_teacher else None
        self.mirror = Mirror(schema, TtlPolicy(), reader, feed)

    async def fill(self) -> None:
        items = (self.ranked.request.item_ids or [])[:READY]
        z, logit = np.ones((READY, 8), np.float32), np.zeros((READY, 2), np.float32)
        await self.store.put_many(page_of("user-0", items, z, logit, NOW_MS - 1000), None)

    async def reflect(self) -> Standing:
        """What was seen since it was begun."""
        running, before = asyncio.create_task(self.mirror.run()), self.mirror.counts()
        self.mirror.offer(self.ranked)

        async def has_reflected() -> bool:
            return self.mirror.counts() != before

        await until(has_reflected)
        running.cancel()
        await self.feed.flush()
        return Standing(**self.mirror.counts())


async def reflecting(served: Served, **how: bool) -> Reflecting:
    lane = await loaded_lane(served)
    request = msgspec.convert(body_of(0), RankRequest)
    ranked = await lane.ranker.rank(request, StageClock())
    lane.batcher.close()
    return Reflecting(ranked, lane.model.manifest.features, **how)


async def test_what_both_spaces_hold_is_counted(served: Served) -> None:
    world = await reflecting(served)
    await world.fill()
    assert await world.reflect() == Standing(seen=20, held=10, ready=READY)
    assert await world.reflect() == Standing(seen=40, held=20, ready=2 * READY)


async def test_only_what_the_space_to_come_lacks_is_asked_for(served: Served) -> None:
    world = await reflecting(served)
    await world.fill()
    await world.reflect()
    items = world.ranked.request.item_ids or []
    assert world.sink.items == set(keys64(items[READY:]).tolist())


async def test_request_whose_cache_was_not_read_says_nothing_of_a_gap(served: Served) -> None:
    world = await reflecting(served)
    world.mirror.offer(world.ranked._replace(cache_reason="timeout"))
    assert not world.mirror._waiting


async def test_student_without_a_teacher_lacks_nothing(served: Served) -> None:
    world = await reflecting(served, reads_teacher=False)
    assert await world.reflect() == Standing(seen=20, held=10, ready=20)


async def test_oldest_requests_leave_when_more_wait_than_a_sample_needs(served: Served) -> None:
    world = await reflecting(served)
    for _ in range(2 * WAITING):
        world.mirror.offer(world.ranked)
    assert len(world.mirror._waiting) == WAITING
