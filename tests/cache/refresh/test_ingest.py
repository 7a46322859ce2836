from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cache import record
from cache.events import Event
from cache.items import ItemFeed
from cache.keys import ITEMS_STREAM, record_key
from cache.memory_store import MemoryStore
from cache.memory_table import MemoryTable
from cache.record import UserRecord
from cache.store import Replacement
from cache.table import Change
from models.data.causal import outcomes
from models.data.timeline import Events, Span, Timeline
from models.features.hashing import key64
from tests.bundles import NOW_MS
from tests.cache.refresh.ingest_bench import SCHEMA, Bench, event


class Row(NamedTuple):
    """A line of a log: one impression with its labels."""

    user: int
    item: int
    time_ms: int
    click: int
    conversion: int

    def events(self) -> Iterator[Event]:
        yield event("impression", self.user, self.item, self.time_ms)
        if self.click:
            yield event("click", self.user, self.item, self.time_ms)
        if self.conversion:
            yield event("conversion", self.user, self.item, self.time_ms)


@st.composite
def logs(draw: st.DrawFn) -> list[Row]:
    """In time order; a user sees an item at most once an instant."""
    bit = st.integers(0, 1)
    rows = draw(
        st.lists(
            st.builds(Row, st.integers(0, 2), st.integers(0, 3), st.integers(0, 1 << 31), bit, bit),
            max_size=40,
            unique_by=lambda row: (row.user, row.item, row.time_ms),
        )
    )
    return sorted(rows, key=lambda row: row.time_ms)


def replayed(rows: Sequence[Row], owner: Sequence[int]) -> Timeline:
    labels = np.array([[row.click, row.conversion] for row in rows], np.int8)
    events = Events(
        np.array(owner),
        np.array([NOW_MS + row.time_ms for row in rows]),
        np.zeros(len(rows), np.int64),
        outcomes(labels),
    )
    return Timeline.of(events, max(owner) + 1, 2, SCHEMA.counter_half_life_ms)


@settings(deadline=None)
@given(logs(), st.data())
async def test_live_state_equals_the_offline_replay_bit_for_bit(
    rows: list[Row], data: st.DataObject
) -> None:
    if not rows:
        return
    bench = Bench()
    posted = [list(row.events()) for row in rows]
    while posted:
        size = data.draw(st.integers(1, len(posted)))
        await bench.ingest.process(posted[:size])
        posted = posted[size:]
    for owner, counted in (("user", bench.record), ("item", bench.item)):
        timeline = replayed(rows, [getattr(row, owner) for row in rows])
        for number in {getattr(row, owner) for row in rows}:
            end = np.array([timeline.offsets[number + 1]])
            offline = timeline.counters(Span(timeline.offsets[[number]], end))
            live = await counted(f"{owner}-{number}")
            counters, at = (
                (live.counters.tolist(), live.counters_at) if isinstance(live, UserRecord) else live
            )
            assert (counters, at) == (offline.counters[0].tolist(), offline.at_ms[0])


@settings(deadline=None)
@given(logs())
async def test_live_history_equals_the_log(rows: list[Row]) -> None:
    bench = Bench()
    await bench.ingest.process([list(row.events()) for row in rows])
    for user in {row.user for row in rows}:
        live = await bench.record(f"user-{user}")
        seen = [row for row in rows if row.user == user]
        assert live.items.tolist() == [key64(f"item-{row.item}") for row in seen]
        assert live.times_ms.tolist() == [NOW_MS + row.time_ms for row in seen]
        assert live.outcomes.tolist() == [1 + 2 * row.click + 4 * row.conversion for row in seen]


async def test_event_posted_twice_is_counted_once_everywhere() -> None:
    bench = Bench()
    shown = event("impression", 1, 1, 0)
    await bench.ingest.process([[shown], [shown]])
    await bench.ingest.process([[shown]])
    assert (await bench.record("user-1")).counters.tolist() == [1.0, 0.0, 0.0]
    assert await bench.item("item-1") == ([1.0, 0.0, 0.0], NOW_MS)
    assert bench.tally.counts["events", "duplicate"] == 2


async def test_kind_that_is_no_task_is_passed_over_and_counted() -> None:
    bench = Bench()
    liked, shown = event("like", 1, 1, 0), event("impression", 1, 1, 0)
    assert await bench.ingest.process([[liked, shown]]) == [True]
    assert bench.tally.counts["events", "unknown_kind"] == 1
    assert (await bench.record("user-1")).counters.tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("held", [b"rubbish", record.encode(record.empty_record(1, 1, 2, 99))])
async def test_unusable_record_begins_anew(held: bytes) -> None:
    bench = Bench()
    await bench.store.put_many({record_key("user-1"): held}, None)
    await bench.ingest.process([[event("impression", 1, 1, 0)]])
    fresh = await bench.record("user-1")
    assert (fresh.fingerprint, len(fresh.items)) == (SCHEMA.fingerprint(), 1)


class RacedStore(MemoryStore):
    """Another ingest process is faster, `races` times."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self.races = races
        self.rival = Bench()

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        if self.races:
            self.races -= 1
            await self.rival.ingest.process([[event("impression", 1, 9, -1 - self.races)]])
            [value] = await self.rival.store.get_many([record_key("user-1")])
            assert value is not None
            await self.put_many({record_key("user-1"): value}, None)
        return await super().replace_many(replacements, ttl_s)


async def test_lost_race_is_run_again_on_the_winners_record() -> None:
    bench = Bench(RacedStore(races=2))
    assert await bench.ingest.process([[event("impression", 1, 1, 0)]]) == [True]
    held = await bench.record("user-1")
    assert (len(held.items), held.version) == (3, 3)
    assert await bench.item("item-1") == ([1.0, 0.0, 0.0], NOW_MS)


async def test_user_who_is_always_raced_is_not_done_and_others_are() -> None:
    bench = Bench(RacedStore(races=99))
    batches = [[event("impression", 1, 1, 0)], [event("impression", 2, 1, 0)]]
    assert await bench.ingest.process(batches) == [False, True]
    assert await bench.item("item-1") == ([1.0, 0.0, 0.0], NOW_MS)


class RacedTable(MemoryTable):
    races = 1

    async def change(self, key: bytes, changes: Sequence[Change]) -> list[bool]:
        if self.races:
            self.races -= 1
            rival = Bench(table=self)
            await rival.ingest.process([[event("impression", 7, 1, 0)]])
        return await super().change(key, changes)


async def test_items_counted_by_two_processes_lose_nothing() -> None:
    bench = Bench(table=RacedTable())
    await bench.ingest.process([[event("impression", 1, 1, 0), event("impression", 1, 2, 0)]])
    assert await bench.item("item-1") == ([2.0, 0.0, 0.0], NOW_MS)
    assert await bench.item("item-2") == ([1.0, 0.0, 0.0], NOW_MS)


async def test_counts_are_told_to_everybody() -> None:
    bench = Bench()
    feed = ItemFeed(bench.table, bench.streams, width=3)
    await bench.ingest.process([[event("impression", 1, 1, 0), event("click", 1, 1, 5)]])
    told, _ = await feed.follow(b"0-0", block_ms=0)
    snapshot = await feed.snapshot()
    assert told.keys.tolist() == snapshot.keys.tolist() == [key64("item-1")]
    np.testing.assert_array_equal(told.counters, snapshot.counters)
    assert told.counters[0, 1] == 1.0
    assert await bench.streams.length(ITEMS_STREAM) == 1
