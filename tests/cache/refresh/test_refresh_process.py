"""A refresher put together, in this process."""

import asyncio
from pathlib import Path

import pytest

from cache.connection import connect
from cache.demand import encode
from cache.demand_keys import shard_of
from cache.embedded import EmbeddedValkey
from cache.errors import ShardsDiffer, StoreUnavailable
from cache.keys import page_key
from cache.redis_demand import RedisDemand
from cache.redis_store import RedisStore
from cache.refresh.pages import PageRules
from cache.refresh.refresh_process import Limits, RefreshProcess
from cache.refresh.tally import Tally
from cache.refresh.teacher import Teacher
from cache.tiers import TtlPolicy
from tests.bundles import SPACE
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.waiting import until

pytestmark = pytest.mark.redis

LIMITS = Limits(
    PageRules(TtlPolicy()), shards=None, lease_ms=1000, max_pairs=10_000, batch_ms=50.0,
    candidates=64,
)  # fmt: skip


async def test_refresher_waits_for_its_server_and_goes_to_work(
    teacher: Teacher, data_folder: Path
) -> None:
    stop, server = asyncio.Event(), EmbeddedValkey(data_folder)
    running = asyncio.create_task(
        RefreshProcess(server.url, teacher, LIMITS, Tally("refresh")).run(stop)
    )
    await asyncio.sleep(0.05)
    store = RedisStore(client := connect(server.start()))
    try:
        demand = RedisDemand(client, SPACE)
        shard = shard_of("a", await demand.shards())
        await demand.append({shard: [encode(make_demand("a"), 0)]}, 10)

        async def has_page() -> bool:
            return (await store.get_many([page_key("a", SPACE)]))[0] is not None

        await until(has_page)
    finally:
        stop.set()
        await running
        await store.close()
        server.stop()


async def test_refresher_that_never_found_its_server_ends_when_told(
    teacher: Teacher, data_folder: Path
) -> None:
    stop = asyncio.Event()
    process = RefreshProcess(f"unix://{data_folder}/none", teacher, LIMITS, Tally("refresh"))
    running = asyncio.create_task(process.run(stop))
    await asyncio.sleep(0.05)
    with pytest.raises(StoreUnavailable):  # which its log tells
        await process.measure()
    stop.set()
    await running


async def test_another_number_of_shards_is_refused_before_anything_is_taken(
    teacher: Teacher, redis_url: str
) -> None:
    client = connect(redis_url)
    await RedisDemand(client, SPACE).shards(8)
    process = RefreshProcess(redis_url, teacher, LIMITS._replace(shards=4), Tally("refresh"))
    with pytest.raises(ShardsDiffer, match="8 shards and 4"):
        await process.run(asyncio.Event())
    assert len(await client.keys("us:*")) == 1
    await client.aclose()
