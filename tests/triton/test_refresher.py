"""A refresher whose teacher runs at a real Triton."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

from cache.demand import encode
from cache.demand_keys import shard_of
from cache.embedded import EmbeddedValkey
from cache.keys import page_key
from cache.redis_demand import RedisDemand
from cache.refresh.teacher import Teacher
from cache.refresh.teacher_model import teacher_model
from models.runtime import load
from tests.bundles import SPACE, tiny_catalogue
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import Hired, LiveSpace
from tests.cache.refresh.outcomes import outcomes
from tests.cache.refresh.started import Started
from tests.cache.refresh.waiting import until
from tests.triton.conftest import Exported

pytestmark = pytest.mark.redis

USERS = [f"user-{number}" for number in range(4)]


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with EmbeddedValkey(tmp_path / "valkey") as valkey:
        yield valkey.url


@pytest.fixture
async def space(redis_url: str) -> AsyncIterator[LiveSpace]:
    space = LiveSpace(redis_url)
    yield space
    await space.close()


def far(exported: Exported) -> Teacher:
    model = teacher_model(exported.teacher, 1, exported.url(), timeout_s=5.0)
    return Teacher(model, tiny_catalogue())


async def test_pages_are_those_of_a_teacher_in_process(
    exported: Exported, space: LiveSpace
) -> None:
    pages = {}
    for where, teacher in (
        ("there", far(exported)),
        ("here", Teacher(load(exported.teacher), tiny_catalogue())),
    ):
        await space.client.flushall()
        await space.ask(make_demand("user-1"))
        await Hired(space, teacher=teacher).works()
        pages[where] = await space.page("user-1")
    there, here = pages["there"], pages["here"]
    assert there is not None
    assert here is not None
    np.testing.assert_array_equal(there.pair_keys, here.pair_keys)
    np.testing.assert_allclose(there.logit, here.logit, atol=1e-5)


async def test_command_runs_the_teacher_at_triton(
    exported: Exported, space: LiveSpace, redis_url: str
) -> None:
    started = Started(redis_url)
    try:
        options = ("--from", str(exported.folder), "--triton-url", exported.url(), "--shards", "4")
        started.understudy("refresh", *options)
        asked = {shard_of("user-1", 4): [encode(make_demand("user-1"), 0)]}
        await RedisDemand(space.client, SPACE).append(asked, 10_000)
        key = page_key("user-1", SPACE)
        await until(lambda: space.client.exists(key))
    finally:
        started.end()


async def test_no_pair_is_lost_while_triton_is_away(triton: Exported, space: LiveSpace) -> None:
    worker = Hired(space, teacher=far(triton))
    await space.ask(*(make_demand(user) for user in USERS[:2]))
    await worker.works()
    triton.server.kill()
    await space.ask(*(make_demand(user) for user in USERS[2:]))
    working = asyncio.create_task(worker.works())
    _, pending = await asyncio.wait([working], timeout=0.5)
    assert pending == {working}
    await asyncio.to_thread(triton.server.start)
    await asyncio.wait_for(working, 30.0)
    told = await outcomes(space)
    assert told["computed"] == told["demanded"]
    assert await space.waiting() == 0
    assert all([await space.page(user) for user in USERS])
