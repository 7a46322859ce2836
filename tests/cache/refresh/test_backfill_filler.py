"""What a backfill writes, beside refreshers that write too."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache import record
from cache.errors import StoreUnavailable
from cache.keys import page_key, record_key
from cache.memory_store import MemoryStore
from cache.page import decode
from cache.refresh.backfill.errors import PagesContended
from cache.refresh.backfill.filler import Filler, batches
from cache.refresh.backfill.policies import Asked, Recent
from cache.refresh.backfill.worker import patiently, refresher_of
from cache.refresh.pages import PageRules, PageWriter, held_page
from cache.refresh.stacked import Wanted
from cache.refresh.tally import Tally
from cache.refresh.teacher import Teacher
from cache.stamp import stamp_of
from cache.store import Replacement, Store
from cache.tiers import TtlPolicy
from models.features.hashing import keys64
from tests.bundles import NOW_MS, SPACE
from tests.cache.pages import page_bytes_of, random_entries
from tests.cache.refresh.asked import make_demand, make_record
from tests.cache.refresh.backfilled import FEED, Fill, Listed, job_of, keys_of, rows_of
from tests.cache.refresh.test_follower import ads
from tests.cache.refresh.test_pages import said
from tests.cache.refresh.worker_bench import Bench

ITEMS = [f"item-{number}" for number in range(5)]


@pytest.fixture
def fill(teacher: Teacher) -> Fill:
    return Fill(MemoryStore(), teacher)


async def test_page_is_the_one_that_a_refresher_writes(fill: Fill) -> None:
    bench = Bench(fill.teacher)
    for store in (bench.store, fill.store):
        await store.put_many({record_key("user-1"): record.encode(make_record())}, None)
    await bench.ask(make_demand("user-1", range(5)), token=0)
    assert await fill(["user-1"], Listed(ITEMS)) == {"computed": 5}
    refreshed, filled = await bench.page("user-1"), await fill.page("user-1")
    assert refreshed is not None
    for before, after in zip(refreshed[:-2], filled[:-2], strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(refreshed.sequence.codes, filled.sequence.codes)
    assert len(filled.sequence.codes) == 5


async def test_each_user_gets_the_word_on_their_own_pairs(fill: Fill) -> None:
    users = [f"user-{number}" for number in range(200)]
    await fill.records(*users)
    assert await fill(users, Listed(ITEMS)) == {"computed": 1000}
    for seed in (0, 77, 199):
        wanted = Wanted(make_record(seed), NOW_MS, FEED.keys, FEED.numbers, keys64(ITEMS))
        held = await fill.page(f"user-{seed}")
        assert held.pair_keys.tolist() == keys_of(ITEMS)
        judged = fill.teacher.judge([wanted]).logit
        np.testing.assert_allclose(sorted(held.logit[:, 0]), sorted(judged[:, 0]), rtol=1e-6)


async def test_fresh_pairs_are_left_alone(fill: Fill) -> None:
    await fill(["u"], Listed(ITEMS[:3]), at_ms=NOW_MS - 60_000)
    assert await fill(["u"], Listed(ITEMS)) == {"fresh": 3, "computed": 2}
    ages = sorted((NOW_MS - (await fill.page("u")).computed_at_ms()).tolist())
    assert ages == [0, 0, 60_000, 60_000, 60_000]


async def test_stale_pairs_are_computed_again(fill: Fill) -> None:
    await fill(["u"], Listed(ITEMS), at_ms=NOW_MS - 60_001)
    assert await fill(["u"], Listed(ITEMS)) == {"computed": 5}


async def test_recompute_leaves_alone_what_is_as_of_the_same_instant_or_newer(fill: Fill) -> None:
    await fill(["u"], Listed(ITEMS[:1]), at_ms=NOW_MS + 1000)
    await fill(["u"], Listed(ITEMS[1:2]))
    await fill(["u"], Listed(ITEMS[2:]), at_ms=NOW_MS - 1000)
    again = await fill(["u"], Listed(ITEMS), is_recomputing=True)
    assert again == {"fresh": 2, "computed": 3}


async def test_withdrawn_and_unknown_items_are_left_out(fill: Fill) -> None:
    withdrawn = ads("item-1", "item-2", at=NOW_MS)
    fill.teacher.items.apply(withdrawn._replace(status=np.array([1, 2], np.uint8)))
    told = await fill(["u"], Listed([*ITEMS, "nobody-knows-it"]))
    assert told == {"computed": 3, "withdrawn": 2, "unknown": 1}
    assert (await fill.page("u")).pair_keys.tolist() == keys_of(["item-0", "item-3", "item-4"])


async def test_recent_items_come_from_the_record(fill: Fill) -> None:
    await fill.records("u")
    met = list(dict.fromkeys(reversed(make_record(0).items.tolist())))
    assert await fill(["u", "stranger"], Recent(3, [FEED])) == {"computed": 3}
    wanted = Listed([])
    wanted.items = np.array(met[:3], np.uint64)
    assert await fill(["u"], wanted) == {"fresh": 3}


async def test_page_keeps_its_fence_and_what_it_holds(fill: Fill) -> None:
    """A refresher's page, of a lease that is newer than anything this process could know."""
    held = random_entries(4, dim=8, age_ms=1)
    foreign = held._replace(computed_at_ms=np.full(4, NOW_MS - 5))
    await fill.store.put_many({page_key("u", SPACE): page_bytes_of(foreign, 7, 1 << 52)}, None)
    assert await fill(["u"], Listed(ITEMS)) == {"computed": 5}
    page = await fill.page("u")
    assert (page.version, page.fence) == (8, 1 << 52)
    assert page.pair_keys.tolist() == sorted([*held.pair_keys.tolist(), *keys_of(ITEMS)])


async def test_refresher_of_any_lease_may_write_after_a_backfill(fill: Fill) -> None:
    await fill(["u"], Listed(ITEMS))
    pages = PageWriter(fill.store, SPACE, PageRules(TtlPolicy()), Tally("refresh"))
    entries = random_entries(2, dim=8)._replace(computed_at_ms=np.full(2, NOW_MS))
    [value] = await fill.store.get_many([page_key("u", SPACE)])
    fresh = {"u": said(entries, fence=1)}
    assert await pages.write(fresh, {"u": held_page(value)}) == frozenset()
    page = await fill.page("u")
    assert (page.fence, len(page.pair_keys)) == (1, 7)


class Raced(MemoryStore):
    """A refresher under ever newer leases writes just before each of the next `races` writes."""

    races = 0

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        if self.races:
            self.races -= 1
            key = replacements[0].key
            [value] = await self.get_many([key])
            version, fence = stamp_of(value)
            rival = random_entries(3, dim=8)._replace(computed_at_ms=np.full(3, NOW_MS))
            await self.put_many({key: page_bytes_of(rival, version + 1, fence + 10)}, None)
        return await super().replace_many(replacements, ttl_s)


async def test_backfill_that_loses_a_race_merges_under_the_winners_fence(teacher: Teacher) -> None:
    store = Raced()
    store.races = 7
    fill = Fill(store, teacher)
    assert await fill(["u"], Listed(ITEMS)) == {"computed": 5}
    page = await fill.page("u")
    assert (page.fence, page.version) == (70, 8)
    assert page.pair_keys.tolist() == sorted([10, 20, 30, *keys_of(ITEMS)])


async def test_page_that_never_rests_is_named(teacher: Teacher) -> None:
    store = Raced()
    store.races = 1000
    with pytest.raises(PagesContended, match="the page of user 'u' changed at every attempt"):
        await Fill(store, teacher)(["u"], Listed(ITEMS))


async def test_entries_are_as_old_as_the_clock_says(teacher: Teacher) -> None:
    store: Store = MemoryStore()
    refresher = refresher_of(job_of(as_of_ms=None), store, teacher)
    filler = Filler(store, teacher, refresher, Listed(ITEMS), clock_ms=lambda: NOW_MS + 12)
    await filler.fill(rows_of("u"))
    [value] = await store.get_many([page_key("u", SPACE)])
    assert value is not None
    assert set(decode(value).computed_at_ms().tolist()) == {NOW_MS + 12}


async def test_server_that_stays_away_ends_the_block_and_one_that_returns_does_not(
    fill: Fill,
) -> None:
    away = [3]

    class Away(MemoryStore):
        async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
            if away[0]:
                away[0] -= 1
                raise StoreUnavailable("away")
            return await super().get_many(keys)

    lost = Fill(Away(), fill.teacher)
    with pytest.raises(StoreUnavailable, match="away"):
        await patiently(lambda: lost(["u"], Listed(ITEMS)), patience_s=-1.0, pause_s=0.0)
    told = await patiently(lambda: lost(["u"], Listed(ITEMS)), patience_s=60.0, pause_s=0.0)
    assert told == {"computed": 5}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 30)), max_size=60))
def test_batches_hold_all_in_order_within_their_bounds(drawn: list[tuple[int, int]]) -> None:
    asked = [
        Asked(str(user), FEED, np.arange(1, count + 1, dtype=np.uint64)) for user, count in drawn
    ]
    made = list(batches(iter(asked), pairs=25))
    assert [each for batch in made for each in batch] == asked
    for batch in made:
        pairs = sum(len(each.item_keys) for each in batch)
        assert pairs <= 25 or len(batch) == 1


def test_batch_is_of_as_many_users_as_a_refreshers() -> None:
    asked = [Asked(str(user), FEED, keys64(["a"])) for user in range(130)]
    assert [len(batch) for batch in batches(asked)] == [64, 64, 2]
