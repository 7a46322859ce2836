from collections.abc import Sequence

import numpy as np
import pytest
from redis.asyncio import Redis

from cache.errors import StoreUnavailable
from cache.keys import record_key
from cache.redis_store import RedisStore
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Judged
from tests.bundles import NOW_MS
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import Hired, LiveSpace
from tests.cache.refresh.speculation.foreseeing import Foreseeing, closes, held, keys_of, made
from tests.cache.refresh.speculation.recurring import Recurring
from tests.cache.refresh.worker_bench import Counting

pytestmark = [pytest.mark.redis, pytest.mark.usefixtures("ten_users")]


async def test_nothing_is_foreseen_of_a_user_whose_record_is_gone(
    space: LiveSpace, client: Redis
) -> None:
    worker = Foreseeing(space, Recurring())
    await space.ask(made("user-1", range(6), hits=6))
    await worker.works()
    await client.delete(record_key("user-1"))
    await worker.idles(1.0)
    assert await held(space, "user-1") == set()
    assert worker.speculator.dropped == {"no_record": 6}
    assert worker.asked_items() == []
    assert closes(worker)


async def test_wishes_of_a_shard_that_was_lost_are_dropped(space: LiveSpace) -> None:
    worker = Foreseeing(space, Recurring())
    await space.ask(made("user-1", range(6), hits=6))
    await worker.works()
    for shard in range(space.shards):
        worker.own.lost(shard)
    await worker.idles(1.0)
    assert worker.speculator.dropped == {"left": 6}
    assert worker.asked_items() == []


async def test_page_that_another_worker_wrote_first_fences_speculation(space: LiveSpace) -> None:
    worker = Foreseeing(space, Recurring())
    await space.ask(made("user-1", range(6), hits=6))
    await worker.works()
    for shard in range(space.shards):
        await space.ends_lease(shard)
    await space.forgets_workers()
    other = Hired(space, b"two")
    await space.ask(make_demand("user-1", range(20, 22)))
    await other.works()
    await worker.idles(1.0)
    assert await held(space, "user-1") == keys_of(range(20, 22))
    assert worker.speculator.dropped == {"fenced": 6}


class Fussy(Counting):
    """Fails over one item."""

    def __init__(self, item: int) -> None:
        super().__init__()
        self.item = make_demand(items=[item]).item_keys

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        if any(np.isin(self.item, each.item_keys).any() for each in wanted):
            raise RuntimeError("cannot take it")
        return super().judge(wanted)


async def test_pair_that_the_teacher_cannot_take_costs_its_own_user_alone(
    space: LiveSpace,
) -> None:
    worker = Foreseeing(space, Recurring(), teacher=Fussy(7))
    await space.ask(made("user-1", range(3), hits=3), made("user-2", range(6, 9), hits=3))
    await worker.works()
    await worker.idles(1.0)
    assert await held(space, "user-1") == keys_of(range(3))
    assert await held(space, "user-2") == set()
    assert worker.speculator.dropped == {"failed": 3}
    assert closes(worker)


class Away(RedisStore):
    is_away = False

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        if self.is_away:
            raise StoreUnavailable("away")
        return await super().get_many(keys)


async def test_store_that_is_away_costs_the_batch_and_nothing_else(space: LiveSpace) -> None:
    store = Away(space.client)
    worker = Foreseeing(space, Recurring(), store=store)
    await space.ask(made("user-1", range(6), hits=6))
    await worker.works()
    store.is_away = True
    await worker.idles(1.0)
    assert worker.speculator.dropped == {"unavailable": 6}
    store.is_away = False
    await space.ask(made("user-1", range(6), hits=6, at_ms=NOW_MS + 60_000))
    await worker.works()
    await worker.idles(1.0)
    assert await held(space, "user-1") == keys_of(range(6))
    assert closes(worker)
