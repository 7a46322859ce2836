import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from redis.asyncio import Redis

from cache.errors import StoreUnavailable
from cache.item_means import ItemMeanFeed, ItemMeans
from cache.memory_streams import MemoryStreams
from cache.memory_table import MemoryTable
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.refresh import item_sums
from cache.refresh.item_sums import ItemSums, ItemWords
from cache.refresh.tally import Tally
from cache.table import Change, Table
from cache.tiers import TtlPolicy
from models.replay.items import ItemRules, item_lent
from models.replay.lending import Asked, Entries
from tests.cache.pages import NOW_MS
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.worker_bench import Bench

TTL = TtlPolicy(soft_s=60.0, hard_s=600.0)
DIM = 8


def words(keys: Sequence[int], at_ms: int = NOW_MS, value: float = 1.0) -> ItemWords:
    z = np.full((len(keys), DIM), value, np.float32)
    return ItemWords("u", np.array(keys, np.uint64), at_ms, z)


class Space:
    def __init__(self, table: Table | None = None) -> None:
        self.table, self.streams = table or MemoryTable(), MemoryStreams()
        self.tally = Tally("refresh")

    def sums(self) -> ItemSums:
        return ItemSums(self.table, self.streams, "s", TTL, self.tally)

    def feed(self) -> ItemMeanFeed:
        return ItemMeanFeed(self.table, self.streams, "s", DIM, TTL)


async def table_of(feed: ItemMeanFeed) -> dict[int, float]:
    told: dict[int, float] = {}
    async for part in feed.parts():
        told |= dict(zip(part.keys.tolist(), part.z[:, 0].tolist(), strict=True))
    return told


async def followed(feed: ItemMeanFeed) -> dict[int, float]:
    means, _ = await feed.follow(b"0-0")
    return dict(zip(means.keys.tolist(), means.z[:, 0].tolist(), strict=True))


async def test_words_of_all_refreshers_count() -> None:
    space = Space()
    one, other = space.sums(), space.sums()
    one.add([words([1, 2]), words([1], value=4.0)])
    other.add([words([1], value=4.0)])
    await one.flush()
    await other.flush()
    feed = space.feed()
    assert await table_of(feed) == {1: 3.0, 2: 1.0}
    assert await followed(feed) == {1: 3.0, 2: 1.0}


class Contended(MemoryTable):
    """Somebody writes what is read, between the reading and the writing, a few times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def change(self, key: bytes, changes: Sequence[Change]) -> list[bool]:
        if self.times:
            self.times -= 1
            return [False, *await super().change(key, changes[1:])]
        return await super().change(key, changes)


async def test_item_that_somebody_was_faster_with_is_summed_again() -> None:
    space = Space(Contended(2))
    sums = space.sums()
    sums.add([words([1, 2, 3])])
    await sums.flush()
    assert await table_of(space.feed()) == {1: 1.0, 2: 1.0, 3: 1.0}
    assert space.tally.counts["items", "written"] == 3


async def test_item_that_is_never_free_is_counted_as_lost() -> None:
    space = Space(Contended(99))
    sums = space.sums()
    sums.add([words([1])])
    await sums.flush()
    assert space.tally.counts["items", "lost"] == 1


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_sums, "MAX_ENTRIES", 3)
    space = Space()
    sums = space.sums()
    sums.add([words([1, 2]), words([3, 4]), words([5])])
    assert space.tally.counts["item_entries", "refused"] == 2
    await sums.flush()
    assert (await table_of(space.feed())).keys() == {1, 2, 5}
    sums.add([words([3, 4])])
    await sums.flush()
    assert (await table_of(space.feed())).keys() == {1, 2, 3, 4, 5}


class Away(MemoryTable):
    async def read(self, key: bytes, fields: Sequence[bytes]) -> list[bytes | None]:
        raise StoreUnavailable("away")


async def test_store_that_is_away_costs_the_words_and_nothing_else() -> None:
    space = Space(Away())
    sums = space.sums()
    sums.add([words([1, 2])])
    await sums.flush()
    assert space.tally.counts["items", "lost"] == 2


async def test_what_is_held_at_the_end_is_written() -> None:
    space = Space()
    sums, stop = space.sums(), asyncio.Event()
    sums.add([words([1])])
    stop.set()
    await sums.run(stop)
    assert (await table_of(space.feed())).keys() == {1}


async def test_live_means_are_those_of_the_replay() -> None:
    rng = np.random.default_rng(0)
    count, width_ms = 400, 100_000
    now_ms = NOW_MS // width_ms * width_ms
    item, z = rng.integers(1, 20, count), rng.normal(size=(count, DIM)).astype(np.float32)
    # To the very window: entries of the five whole slices before now.
    at_ms = np.sort(now_ms - rng.integers(1, 5 * width_ms, count))
    space = Space()
    for half in (slice(0, None, 2), slice(1, None, 2)):
        sums = space.sums()
        for key, at, vector in zip(item[half], at_ms[half], z[half], strict=True):
            sums.add([ItemWords("u", np.array([key], np.uint64), int(at), vector[None])])
        await sums.flush()
    nobody = np.zeros(count, np.int64)
    entries = Entries(nobody, nobody, item, at_ms, z, np.zeros((count, 1), np.float32))
    items = np.arange(1, 20)
    asked = Asked(nobody[:19], nobody[:19], items, np.full(19, now_ms))
    lent = item_lent(entries, asked, ItemRules(hard_ttl_s=TTL.hard_s))
    parts = [part async for part in space.feed().parts()]
    means = ItemMeans(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    order = np.argsort(means.keys)
    assert lent.found.all()
    np.testing.assert_allclose(means.z[order], lent.z, atol=1e-3)
    np.testing.assert_allclose((now_ms - means.newest_ms[order]) / 1000.0, lent.age_s, rtol=1e-5)


async def test_refresher_sums_what_it_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, space = Bench(), Space()
    monkeypatch.setattr(bench.refresher, "_items", sums := space.sums())
    bench.counting.broken = {1}
    await bench.ask(make_demand("user-1", [1, 2, 3]), make_demand("user-2", [1]))
    await sums.flush()
    told = await table_of(space.feed())
    assert len(told) == 2
    assert sorted(told.values()) == [(1 / 8 + 4 / 8) / 2, 3 / 8]


@pytest.mark.redis
async def test_two_refreshers_on_a_server_lose_nothing(client: Redis) -> None:
    table, streams = RedisTable(client), RedisStreams(client)
    both = [ItemSums(table, streams, "s", TTL, Tally("refresh")) for _ in range(2)]
    for sums in both:
        sums.add([words(range(300)), words(range(300), value=3.0)])
    await asyncio.gather(*(sums.flush() for sums in both))
    feed = ItemMeanFeed(table, streams, "s", DIM, TTL)
    assert await table_of(feed) == dict.fromkeys(range(300), 2.0)
    assert await followed(feed) == dict.fromkeys(range(300), 2.0)
