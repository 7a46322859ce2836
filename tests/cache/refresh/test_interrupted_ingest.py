"""A store that goes away within a batch: what was counted of users is counted of items."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from cache.errors import StoreUnavailable
from cache.events import Event
from cache.items import ItemFeed
from cache.keys import record_key
from cache.memory_store import MemoryStore
from cache.memory_streams import MemoryStreams
from cache.memory_table import MemoryTable
from cache.refresh.ingest import OWN_S
from cache.store import Replacement
from cache.table import Change
from models.features.hashing import key64
from tests.bundles import NOW_MS
from tests.cache.refresh.ingest_bench import Bench, event

SHOWN = event("impression", 1, 1, 0)
LATER = event("impression", 2, 1, 5)
OTHERS = event("impression", 7, 1, -5)
ONCE = ([1.0, 0.0, 0.0], NOW_MS)


class Clock:
    s = 0.0

    def __call__(self) -> float:
        return self.s


class Blip:
    """Of the calls in their order: whether each is kept from the server (`refused`), or
    done and its answer lost (`unheard`), or left alone."""

    def __init__(self, *faults: str) -> None:
        self._faults = list(faults)

    async def around(self, call: Callable[[], Awaitable[list[bool]]]) -> list[bool]:
        fault = self._faults.pop(0) if self._faults else "none"
        if fault == "refused":
            raise StoreUnavailable("nobody there")
        done = await call()
        if fault == "unheard":
            raise StoreUnavailable("the answer came too late")
        return done


class BlippingTable(MemoryTable):
    def __init__(self, *faults: str) -> None:
        super().__init__()
        self._blip = Blip(*faults)

    async def change(self, key: bytes, changes: Sequence[Change]) -> list[bool]:
        return await self._blip.around(lambda: MemoryTable.change(self, key, changes))


class BlippingStore(MemoryStore):
    def __init__(self, *faults: str) -> None:
        super().__init__()
        self._blip = Blip(*faults)

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        return await self._blip.around(lambda: MemoryStore.replace_many(self, replacements, ttl_s))


class BlippingStreams(MemoryStreams):
    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    async def append(self, stream: bytes, bodies: Sequence[bytes], limit: int) -> None:
        if self._times:
            self._times -= 1
            raise StoreUnavailable("nobody there")
        await super().append(stream, bodies, limit)


async def processed(bench: Bench, *events: Event) -> int:
    """As the consumer does: the same again until it is done. How often it was tried in vain."""
    for tries in range(10):
        try:
            assert await bench.ingest.process([list(events)]) == [True]
        except StoreUnavailable:
            continue
        return tries
    raise AssertionError("never done")


@pytest.mark.parametrize("fault", ["refused", "unheard"])
@pytest.mark.parametrize("times", [1, 3])
async def test_items_are_counted_once_when_their_write_fails(fault: str, times: int) -> None:
    bench = Bench(table=BlippingTable(*[fault] * times))
    assert await processed(bench, SHOWN) == times
    assert await bench.item("item-1") == ONCE
    assert (await bench.record("user-1")).counters.tolist() == [1.0, 0.0, 0.0]
    assert bench.tally.counts["events", "counted"] == 1
    assert bench.tally.counts["events", "duplicate"] == 0


@pytest.mark.parametrize("fault", ["refused", "unheard"])
async def test_items_are_counted_once_when_the_users_write_fails(fault: str) -> None:
    bench = Bench(BlippingStore(fault))
    assert await processed(bench, SHOWN) == 1
    assert await bench.item("item-1") == ONCE
    assert (await bench.record("user-1")).counters.tolist() == [1.0, 0.0, 0.0]


async def test_items_counted_before_the_change_could_be_told_are_not_counted_again() -> None:
    bench = Bench(streams=BlippingStreams(times=2))
    feed = ItemFeed(bench.table, bench.streams, width=3)
    assert await processed(bench, SHOWN) == 2
    assert await bench.item("item-1") == ONCE
    told, _ = await feed.follow(b"0-0", block_ms=0)
    assert told.counters.tolist() == [ONCE[0]]


@pytest.mark.parametrize("fault", ["refused", "unheard"])
async def test_items_are_counted_once_when_users_and_then_items_fail(fault: str) -> None:
    for bench in (
        Bench(BlippingStore(fault), streams=BlippingStreams(times=1)),
        Bench(BlippingStore(fault), table=BlippingTable(fault)),
    ):
        assert await processed(bench, SHOWN) == 2
        assert await bench.item("item-1") == ONCE
        assert bench.tally.counts["events", "counted"] == 1


async def test_record_that_another_process_wrote_after_claiming_the_batch_is_its_own() -> None:
    clock = Clock()
    store = BlippingStore("refused")
    bench = Bench(store, clock=clock)
    with pytest.raises(StoreUnavailable):
        await bench.ingest.process([[SHOWN]])
    await Bench(store, bench.table, bench.streams).ingest.process([[SHOWN]])
    clock.s += OWN_S
    await processed(bench, SHOWN)
    assert await bench.item("item-1") == ONCE


async def test_change_told_late_is_told_as_it_is_by_then() -> None:
    streams = BlippingStreams(times=1)
    bench = Bench(streams=streams)
    with pytest.raises(StoreUnavailable):
        await bench.ingest.process([[SHOWN]])
    await Bench(bench.store, bench.table, streams).ingest.process([[OTHERS]])
    await processed(bench, SHOWN)
    feed = ItemFeed(bench.table, streams, width=3)
    first, at = await feed.follow(b"0-0", block_ms=0)
    second, _ = await feed.follow(at, block_ms=0)
    last = second if len(second.keys) else first
    assert last.counters[-1].tolist() == (await bench.item("item-1"))[0]


async def test_what_is_left_of_a_batch_is_counted_once_with_what_came_later() -> None:
    bench = Bench(table=BlippingTable("unheard"))
    with pytest.raises(StoreUnavailable):
        await bench.ingest.process([[SHOWN]])
    await processed(bench, SHOWN, LATER)
    counters, at_ms = await bench.item("item-1")
    assert counters[0] == pytest.approx(2.0)
    assert at_ms == LATER.timestamp_ms


async def test_change_of_another_process_meanwhile_is_kept() -> None:
    bench = Bench(table=BlippingTable("refused"))
    with pytest.raises(StoreUnavailable):
        await bench.ingest.process([[SHOWN]])
    await Bench(table=bench.table).ingest.process([[OTHERS]])
    await processed(bench, SHOWN)
    assert (await bench.item("item-1"))[0][0] == pytest.approx(2.0)


async def test_write_that_the_server_does_late_is_counted_once() -> None:
    late: list[Callable[[], Awaitable[list[bool]]]] = []

    class Slow(MemoryTable):
        """Does the first change only as the second comes."""

        async def change(self, key: bytes, changes: Sequence[Change]) -> list[bool]:
            if not late:
                late.append(lambda: MemoryTable.change(self, key, changes))
                raise StoreUnavailable("the answer came too late")
            await late[0]()
            return await super().change(key, changes)

    bench = Bench(table=Slow())
    await processed(bench, SHOWN)
    assert await bench.item("item-1") == ONCE


async def test_batch_is_counted_once_by_a_server_that_lost_its_records() -> None:
    bench = Bench(table=BlippingTable("refused"))
    with pytest.raises(StoreUnavailable):
        await bench.ingest.process([[SHOWN]])
    await bench.store.close()
    await processed(bench, SHOWN)
    assert await bench.item("item-1") == ONCE


async def test_answer_lost_before_another_process_changed_the_item_counts_it_twice() -> None:
    """Nothing tells then whether it was written; an item counted twice is less than a blip that
    takes all counts of a batch."""
    bench = Bench(table=BlippingTable("unheard"))
    with pytest.raises(StoreUnavailable):
        await bench.ingest.process([[SHOWN]])
    await Bench(table=bench.table).ingest.process([[OTHERS]])
    await processed(bench, SHOWN)
    assert (await bench.item("item-1"))[0][0] == pytest.approx(3.0)


async def test_answer_lost_before_another_process_changed_the_user_leaves_the_item_uncounted() -> (
    None
):
    bench = Bench(BlippingStore("unheard"))
    with pytest.raises(StoreUnavailable):
        await bench.ingest.process([[SHOWN]])
    await Bench(bench.store).ingest.process([[event("impression", 1, 2, 0)]])
    await processed(bench, SHOWN)
    assert await bench.table.read(b"us:items", [key64("item-1").to_bytes(8, "little")]) == [None]
    [value] = await bench.store.get_many([record_key("user-1")])
    assert value is not None
