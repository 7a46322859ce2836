"""Speculation as `understudy refresh` puts it together."""

import asyncio
from typing import get_args

import pytest
from redis.asyncio import Redis

from cache import page
from cache.demand import encode
from cache.demand_keys import shard_of
from cache.keys import page_key
from cache.redis_demand import RedisDemand
from cache.redis_store import RedisStore
from cache.refresh.pages import PageRules
from cache.refresh.refresh_process import Limits, RefreshProcess
from cache.refresh.speculation.options import PolicyName, Speculating
from cache.refresh.tally import Tally
from cache.refresh.teacher import Teacher
from cache.tiers import TtlPolicy
from tests.bundles import SPACE
from tests.cache.refresh.speculation.foreseeing import made
from tests.cache.refresh.waiting import until

TTL = TtlPolicy()


def test_demand_only_speculates_about_nothing() -> None:
    assert Speculating.of("demand-only", 50.0) is None


@pytest.mark.parametrize("name", [name for name in get_args(PolicyName) if name != "demand-only"])
def test_every_other_policy_has_its_budget(name: PolicyName) -> None:
    tally = Tally("refresh")
    speculating = Speculating.of(name, 50.0)
    assert speculating is not None
    speculator = speculating.speculator(TTL, tally)
    speculator.plan()
    assert speculator.take(100) == []
    speculator.measure()
    assert tally.levels == {
        "speculation_waiting_pairs": 0,
        "speculation_useful_ratio": 0.0,
        "speculation_recall": 0.0,
    }


@pytest.mark.redis
@pytest.mark.usefixtures("ten_users")
async def test_process_computes_what_its_policy_wishes_for(
    teacher: Teacher, client: Redis, redis_url: str
) -> None:
    limits = Limits(
        PageRules(TTL), shards=None, lease_ms=1000, max_pairs=10_000, batch_ms=50.0,
        candidates=64, speculating=Speculating("popularity", 10_000.0),
    )  # fmt: skip
    stop, tally = asyncio.Event(), Tally("refresh")
    process = RefreshProcess(redis_url, teacher, limits, tally)
    running = asyncio.create_task(process.run(stop))
    demand, store = RedisDemand(client, SPACE), RedisStore(client)
    shard = shard_of("user-1", await demand.shards())
    await demand.append({shard: [encode(made("user-1", range(12), hits=9), 0)]}, 10)

    async def has_all() -> bool:
        [value] = await store.get_many([page_key("user-1", SPACE)])
        return value is not None and len(page.decode(value).pair_keys) == 12

    try:
        await until(has_all)
        await process.measure()
    finally:
        stop.set()
        await running
        await store.close()
    assert tally.counts["speculation", "computed"] == 9
    assert tally.counts["speculation", "selected"] == 9
    assert tally.levels["unsettled_pairs"] == 0
    assert tally.labelled["account_pairs", "outcome"]["demanded"] == 3
