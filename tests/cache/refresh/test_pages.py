from collections.abc import Sequence

import numpy as np
import pytest

from cache import page
from cache.entries import Entries
from cache.memory_store import MemoryStore
from cache.page import Page
from cache.quantise import Precision
from cache.quantise_int4 import unpack
from cache.refresh.pages import Fresh, PageRules, PageWriter, SequencePolicy, held_page
from cache.refresh.tally import Tally
from cache.sequence import PastSequence, Spoken
from cache.store import Replacement
from cache.tiers import TtlPolicy
from tests.cache.pages import NOW_MS, page_bytes_of, random_entries, random_sequence

TTL = TtlPolicy(soft_s=60.0, hard_s=600.0)


def writer_of(store: MemoryStore, tally: Tally | None = None) -> PageWriter:
    return PageWriter(store, "s", PageRules(TTL), tally or Tally("refresh"))


async def read(store: MemoryStore, writer: PageWriter) -> Page:
    [value] = await store.get_many([writer.key("u")])
    assert value is not None
    return page.decode(value)


def entries(*keys: int, age_ms: int = 0, dim: int = 32) -> Entries:
    made = random_entries(max(keys) // 10, age_ms=age_ms, dim=dim)
    return made.taken(np.isin(made.pair_keys, keys))


def said(made: Entries, past: PastSequence | None = None, fence: int = 0) -> Fresh:
    dim = made.codes.shape[1]
    if past is None:
        nothing = Spoken(np.zeros(0, np.int64), np.zeros((0, dim), np.float32))
        return Fresh(made, nothing, fence)
    return Fresh(made, Spoken(past.at_ms(), unpack(past.codes, dim)), fence)


class RacedStore(MemoryStore):
    """Somebody else writes just before each of the first `races` replacements."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self.races = races

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        if self.races:
            self.races -= 1
            version = replacements[0].expected_version + 1
            rival = page_bytes_of(entries(990 + 10 * self.races), version=version)
            await super().put_many({replacements[0].key: rival}, None)
        return await super().replace_many(replacements, ttl_s)


async def test_writer_that_lost_a_race_merges_into_the_winners_page() -> None:
    store = RacedStore(races=2)
    writer = writer_of(store)
    assert not await writer.write({"u": said(entries(10, 20))}, {"u": held_page(None)})
    held = await read(store, writer)
    assert held.pair_keys.tolist() == [10, 20, 990]
    assert held.version == 3


async def test_writer_that_always_loses_says_so() -> None:
    store = RacedStore(races=99)
    assert await writer_of(store).write({"u": said(entries(10))}, {"u": held_page(None)}) == {"u"}


async def test_page_under_a_higher_fence_is_left_alone() -> None:
    store = MemoryStore()
    tally = Tally("refresh")
    writer = writer_of(store, tally)
    await writer.write({"u": said(entries(10), fence=5)}, {"u": held_page(None)})
    late = {"u": said(entries(20), fence=4)}
    assert await writer.write(late, {"u": held_page(None)}) == frozenset()
    held = await read(store, writer)
    assert (held.fence, held.pair_keys.tolist()) == (5, [10])
    assert tally.counts["pages", "fenced"] == 1


async def test_late_worker_does_not_overwrite_newer_entries() -> None:
    store = MemoryStore()
    writer = writer_of(store)
    await writer.write({"u": said(entries(10, 20))}, {"u": held_page(None)})
    await writer.write({"u": said(entries(10, 30, age_ms=5000))}, {"u": held_page(None)})
    held = await read(store, writer)
    assert held.pair_keys.tolist() == [10, 20, 30]
    assert held.computed_at_ms().tolist() == [NOW_MS, NOW_MS, NOW_MS - 5000]


async def test_entries_past_the_hard_ttl_leave() -> None:
    store = MemoryStore()
    writer = writer_of(store)
    old = held_page(page_bytes_of(entries(10, age_ms=600_001), version=1))
    await store.put_many({writer.key("u"): page_bytes_of(entries(10), version=1)}, None)
    await writer.write({"u": said(entries(20))}, {"u": old})
    assert (await read(store, writer)).pair_keys.tolist() == [20]


@pytest.mark.parametrize(("held_in", "atol"), [(Precision.FP16, 1 / 250), (Precision.INT4, 0.0)])
async def test_page_of_another_precision_is_carried_over(held_in: Precision, atol: float) -> None:
    store = MemoryStore()
    before = page_bytes_of(random_entries(3, precision=held_in), version=4)
    writer = writer_of(store)
    await store.put_many({writer.key("u"): before}, None)
    await writer.write({"u": said(entries(40))}, {"u": held_page(before)})
    held = await read(store, writer)
    assert held.precision is Precision.INT8
    assert held.pair_keys.tolist() == [10, 20, 30, 40]
    z_before = page.decode(before).entries().z()
    np.testing.assert_allclose(held.entries().z()[:3], z_before, rtol=0, atol=atol)


async def test_page_of_another_width_is_written_over() -> None:
    store = MemoryStore()
    writer = writer_of(store)
    foreign = page_bytes_of(entries(10, dim=4), version=2)
    await store.put_many({writer.key("u"): foreign}, None)
    await writer.write({"u": said(entries(20))}, {"u": held_page(foreign)})
    assert (await read(store, writer)).pair_keys.tolist() == [20]


@pytest.mark.parametrize("damaged", [b"", b"UP", page_bytes_of(random_entries(2), version=7)[:-1]])
async def test_damaged_page_is_written_over(damaged: bytes) -> None:
    store = MemoryStore()
    writer = writer_of(store)
    await store.put_many({writer.key("u"): damaged}, None)
    assert not await writer.write({"u": said(entries(10))}, {"u": held_page(damaged)})
    assert (await read(store, writer)).pair_keys.tolist() == [10]


async def test_sequence_grows_with_what_is_said_of_the_past() -> None:
    store = MemoryStore()
    writer = writer_of(store)
    older, newer = random_sequence(2, age_ms=60_000), random_sequence(3, seed=1)
    await writer.write({"u": said(entries(10), older)}, {"u": held_page(None)})
    [value] = await store.get_many([writer.key("u")])
    await writer.write({"u": said(entries(20), newer)}, {"u": held_page(value)})
    sequence = (await read(store, writer)).sequence
    assert sequence.at_ms().tolist() == [*older.at_ms(), *newer.at_ms()]
    np.testing.assert_array_equal(sequence.codes, np.concatenate([older.codes, newer.codes]))


async def test_sequence_past_its_retention_leaves() -> None:
    store = MemoryStore()
    rules = PageRules(TTL, sequence=SequencePolicy(50, 30.0))
    writer = PageWriter(store, "s", rules, Tally("refresh"))
    past = random_sequence(40)  # a second apart
    await writer.write({"u": said(entries(10), past)}, {"u": held_page(None)})
    assert len((await read(store, writer)).sequence.codes) == 31


@pytest.mark.parametrize(("length", "key_ttl_s"), [(50, 30 * 86_400.0), (0, 600.0)])
async def test_page_outlives_its_entries_only_for_a_sequence(length: int, key_ttl_s: float) -> None:
    store = TtlStore()
    rules = PageRules(TTL, sequence=SequencePolicy(length, 30 * 86_400.0))
    writer = PageWriter(store, "s", rules, Tally("refresh"))
    await writer.write({"u": said(entries(10))}, {"u": held_page(None)})
    assert store.ttls_s == [key_ttl_s]


class TtlStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.ttls_s: list[float | None] = []

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        self.ttls_s.append(ttl_s)
        return await super().replace_many(replacements, ttl_s)


async def test_entries_that_find_no_room_are_counted() -> None:
    store, tally = MemoryStore(), Tally("refresh")
    writer = PageWriter(store, "s", PageRules(TTL, entries=2), tally)
    assert not await writer.write({"u": said(entries(10, 20, 30))}, {"u": held_page(None)})
    assert tally.counts["page_entries", "dropped"] == 1
    assert len((await read(store, writer)).pair_keys) == 2
