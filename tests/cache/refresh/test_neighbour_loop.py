import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from cache import page
from cache.breaker import CircuitBreaker
from cache.keys import neighbour_key, page_key
from cache.reader import CacheReader
from cache.redis_store import RedisStore
from cache.refresh.neighbour_command import ReadsNoNeighbours, read_space
from cache.refresh.neighbour_lending import NeighbourRules
from cache.refresh.neighbour_loop import NeighbourLoop
from cache.refresh.neighbour_shelf import Width
from cache.refresh.tally import Tally
from cache.tiers import NEIGHBOUR, PAIR, Lookup, TtlPolicy, resolve
from models.manifest import Manifest, read_manifest
from tests.bundles import SPACE, linear_student
from tests.cache.pages import NOW_MS, page_bytes_of, random_entries
from tests.cache.refresh.waiting import until

WIDTH = Width(32, 2)
RULES = NeighbourRules(600.0, every_s=60.0)


class Bench:
    def __init__(self, client: Redis, max_users: int = 100) -> None:
        self.client: Any = client
        self.store = RedisStore(client)
        self.tally = Tally("neighbours")
        self.loop = NeighbourLoop(client, self.store, "s", WIDTH, RULES, max_users, self.tally)

    async def holds(self, user: str, keys: list[int], like: int, dim: int = 32) -> None:
        """`like` says whom the user's entries resemble."""
        entries = random_entries(len(keys), dim=dim, seed=like)
        value = page_bytes_of(entries._replace(pair_keys=np.array(keys, np.uint64)))
        await self.client.set(page_key(user, "s"), value)

    async def round(self) -> None:
        await self.loop.round(asyncio.Event())

    async def lent(self, user: str) -> list[int]:
        value = await self.client.get(neighbour_key(user, "s"))
        return [] if value is None else page.decode(value).pair_keys.tolist()


@pytest.fixture
async def bench(client: Redis) -> AsyncIterator[Bench]:
    bench = Bench(client)
    await bench.holds("a", [1, 2, 3], like=1)
    await bench.holds("b", [2, 3, 4], like=1)
    await bench.holds("c", [5, 6, 7], like=2)
    await bench.holds("d", [8], like=3)
    yield bench
    await bench.store.close()


@pytest.mark.redis
async def test_users_alike_lend_what_the_other_lacks(bench: Bench) -> None:
    await bench.round()
    assert await bench.lent("a") == [4]
    assert await bench.lent("b") == [1]
    assert await bench.client.pttl(neighbour_key("a", "s")) > 599_000
    assert bench.tally.levels["users"] == 4


@pytest.mark.redis
async def test_gateway_reads_what_was_lent_in_its_one_round_trip(bench: Bench) -> None:
    await bench.round()
    reader = CacheReader(bench.store, "s", 1000.0, CircuitBreaker(), reads_neighbours=True)
    await bench.client.config_resetstat()
    found = await reader.read("a")
    calls = (await bench.client.info("commandstats"))["cmdstat_mget"]["calls"]
    lookup = Lookup(found.page, np.array([1, 4, 5], np.uint64), NOW_MS, found.lent)
    told = resolve([lookup], TtlPolicy(), 32, 2, reads_user=False, reads_neighbours=True)
    assert calls == 1
    assert told.tier.tolist() == [PAIR, NEIGHBOUR, 0]
    stored = page.decode(await bench.client.get(page_key("b", "s"))).entries()
    np.testing.assert_allclose(told.z[1], stored.z()[2], atol=0.01)


@pytest.mark.redis
async def test_damaged_and_foreign_pages_lend_nothing(bench: Bench) -> None:
    await bench.client.set(page_key("b", "s"), b"rubbish")
    await bench.holds("e", [2, 3, 4], like=1, dim=16)
    await bench.client.hset(page_key("f", "s"), "field", "value")
    await bench.round()
    assert await bench.lent("a") == []
    assert bench.tally.levels["users"] == 3


@pytest.mark.redis
async def test_users_past_the_bound_are_left_out_and_counted(client: Redis) -> None:
    bench = Bench(client, max_users=5)
    for number in range(12):
        await bench.holds(f"user-{number}", [number, 99], like=number % 2)
    await bench.round()
    assert (bench.tally.levels["users"], bench.tally.levels["left_out"]) == (5, 7)
    await bench.store.close()


@pytest.mark.redis
async def test_other_spaces_are_not_touched(bench: Bench, client: Redis) -> None:
    await client.set(page_key("a", "s2"), b"another space")
    await bench.round()
    assert await client.keys("us:n:*:s2") == []


@pytest.mark.redis
async def test_loop_ends_when_it_is_told(bench: Bench) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(bench.loop.run(stop))

    async def has_gone_round() -> bool:
        return bench.tally.counts["rounds", "done"] == 1

    await until(has_gone_round)
    stop.set()
    await asyncio.wait_for(running, 5.0)
    assert await bench.lent("a") == [4]


async def test_loop_waits_out_a_store_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    store = RedisStore.open("redis://127.0.0.1:1/0")
    loop = NeighbourLoop(store._client, store, "s", WIDTH, RULES, 10, Tally("neighbours"))
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))

    async def has_said_so() -> bool:
        return "neighbours wait" in caplog.messages

    await until(has_said_so)
    stop.set()
    await asyncio.wait_for(running, 5.0)
    await store.close()


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Manifest]:
    folder = tmp_path_factory.mktemp("bundles")
    return {
        "user": read_manifest(linear_student(folder))[0],
        "neighbour": read_manifest(linear_student(folder, tiers=("user", "neighbour")))[0],
    }


def test_student_says_which_space_is_lent_in(manifests: dict[str, Manifest]) -> None:
    assert read_space(manifests["neighbour"]) == (SPACE, Width(8, 2))
    with pytest.raises(ReadsNoNeighbours, match="reads the tiers user below the pair"):
        read_space(manifests["user"])
