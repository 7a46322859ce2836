"""Refreshers and the account of demand, when a space's shards lie on three nodes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cache.account import Outcome
from cache.demand import encode
from cache.demand_keys import shard_of
from cache.errors import StoreUnavailable
from cache.keys import page_key
from cache.redis_demand import RedisDemand
from cache.refresh import intake
from cache.refresh.backlog import Backlog
from cache.refresh.pages import PageRules
from cache.refresh.refresh_process import Limits, RefreshProcess
from cache.refresh.space_state import space_state
from cache.refresh.tally import Tally
from cache.refresh.teacher import Teacher
from cache.tiers import TtlPolicy
from models.runtime import load
from tests.bundles import SPACE, linear_teacher, tiny_catalogue
from tests.cache.cluster.nodes import Cluster, running_cluster
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import SPACE as SPACE_OF_DEMAND
from tests.cache.refresh.live_space import Hired, LiveSpace
from tests.cache.refresh.waiting import until

pytestmark = pytest.mark.redis

LIMITS = Limits(
    PageRules(TtlPolicy()), shards=None, lease_ms=1000, max_pairs=10_000, batch_ms=50.0,
    candidates=64,
)  # fmt: skip


@pytest.fixture
async def space(cluster_url: str) -> AsyncIterator[LiveSpace]:
    space = LiveSpace(cluster_url, shards=16)
    yield space
    await space.close()


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


async def test_two_workers_share_the_shards_and_every_pair_is_counted(space: LiveSpace) -> None:
    users = [f"user-{number}" for number in range(40)]
    await space.ask(*(make_demand(user) for user in users))
    one, other = Hired(space, b"one"), Hired(space, b"other")
    for worker in (one, other, one, other):
        await worker.own.tick()
    await asyncio.gather(one.works(), other.works())
    held = await space.account()
    assert (held.demanded, held.outcomes[Outcome.COMPUTED], held.unsettled) == (200, 200, 0)
    assert await space.waiting() == 0
    state = await space_state(space.client, SPACE_OF_DEMAND)
    assert (state.shards, state.workers, state.backlog) == (16, 2, 0)
    assert len(one.own.leases()) == len(other.own.leases()) == 8
    assert all([await space.page(user) is not None for user in users])


async def test_waiting_worker_sees_what_arrives_in_any_shard(space: LiveSpace) -> None:
    after = dict.fromkeys(range(16), b"0-0")
    waiting = asyncio.create_task(space.backlog.arrivals(after, 10, 1000))
    await asyncio.sleep(0.1)
    await space.ask(make_demand("a"))
    assert list(await waiting) == [shard_of("a", 16)]
    assert await space.backlog.arrivals({0: b"0-0"}, 10, 100) == {}


@pytest.mark.slow
async def test_account_closes_after_a_master_was_killed(
    mortal: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "LOOK_AGAIN_S", 0.5)
    teacher = Teacher(load(linear_teacher(tmp_path)), tiny_catalogue(), candidate_limit=64)
    stop, space = asyncio.Event(), LiveSpace(mortal.url)
    demand = RedisDemand(space.client, SPACE)
    shards = await demand.shards()
    backlog = Backlog(space.client, SPACE, shards)
    process = RefreshProcess(mortal.url, teacher, LIMITS, Tally("refresh"))
    running = asyncio.create_task(process.run(stop))
    sent = 0
    for number in range(150):
        if number == 50:
            mortal.servers[0].kill()
        user = f"user-{number}"
        try:
            body = encode(make_demand(user), 0)
            await demand.append({shard_of(user, shards): [body]}, 1000)
            sent += 1
        except StoreUnavailable:
            pass
        await asyncio.sleep(0.05)

    async def is_settled() -> bool:
        try:
            return sum(await backlog.lengths()) == 0 and sent > 80
        except StoreUnavailable:
            return False

    await until(is_settled)
    account = await backlog.account()
    assert account.unsettled == 0
    assert account.demanded > 0
    assert (await space.store.get_many([page_key("user-149", SPACE)]))[0] is not None
    stop.set()
    await running
    await space.close()
