import numpy as np
import pytest

from cache import demand, record
from cache.entries import Entries
from cache.errors import MessageCorrupt
from cache.items import ItemCounters, encode
from cache.keys import ITEMS_STREAM, pair_keys, record_key
from cache.memory_streams import MemoryStreams
from cache.memory_table import MemoryTable
from cache.quantise import Precision
from cache.refresh.follower import ItemFollower
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Teacher
from cache.tiers import PAIR, Lookup, resolve
from tests.bundles import NOW_MS
from tests.cache.pages import page_bytes_of
from tests.cache.refresh.asked import make_demand, make_record
from tests.cache.refresh.worker_bench import TTL, Bench


async def test_answer_is_what_the_gateway_resolves(teacher: Teacher) -> None:
    bench = Bench(teacher)
    await bench.store.put_many({record_key("user-1"): record.encode(make_record())}, None)
    asked = make_demand()
    assert await bench.ask(asked) == [True]
    pairs = pair_keys(asked.item_keys, asked.context)
    resolved = resolve([Lookup(await bench.page(), pairs, NOW_MS + 1000)], TTL, 8, 2)
    wanted = Wanted(make_record(), NOW_MS, asked.context, asked.context_numbers, asked.item_keys)
    judged = teacher.judge([wanted])
    assert (resolved.tier == PAIR).all()
    np.testing.assert_allclose(resolved.logit, judged.logit)
    np.testing.assert_allclose(resolved.z, judged.z, atol=1 / 250)
    assert resolved.age_s.tolist() == [1.0] * 5


async def test_entry_of_one_context_is_not_read_under_another() -> None:
    bench = Bench()
    asked = make_demand()
    await bench.ask(asked)
    elsewhere = pair_keys(asked.item_keys, [123])
    resolved = resolve([Lookup(await bench.page(), elsewhere, NOW_MS)], TTL, 8, 2)
    assert (resolved.tier != PAIR).all()


async def test_fresh_pairs_are_not_judged_again() -> None:
    bench = Bench()
    await bench.ask(make_demand(items=range(5)))
    await bench.ask(make_demand(items=range(3, 8), at=NOW_MS + 60_000))
    assert [len(each.item_keys) for each in bench.counting.wanted] == [5, 3]
    assert bench.pairs("fresh") == 2
    held = await bench.page()
    assert held is not None
    assert len(held.pair_keys) == held.aggregate.pairs == 8
    assert held.version == 2


async def test_pairs_in_a_page_of_another_width_are_judged(teacher: Teacher) -> None:
    """Gateways cannot use it, and go on asking."""
    bench = Bench(teacher)
    asked = make_demand()
    pairs = np.sort(pair_keys(asked.item_keys, asked.context))
    z, logit = np.ones((5, 16), np.float32), np.zeros((5, 2), np.float32)
    at_ms = np.full(5, NOW_MS, np.int64)
    wider = Entries.of(pairs, at_ms, logit, z, Precision.INT8)
    await bench.store.put_many({bench.pages.key("user-1"): page_bytes_of(wider)}, None)
    await bench.ask(asked)
    assert bench.pairs("computed") == 5
    held = await bench.page()
    assert held is not None
    assert held.dim == 8


async def test_pairs_are_judged_again_when_their_page_is_damaged() -> None:
    bench = Bench()
    await bench.ask(make_demand())
    await bench.store.put_many({bench.pages.key("user-1"): b"not a page"}, None)
    await bench.ask(make_demand())
    assert bench.pairs("computed") == 10
    assert await bench.page() is not None


async def test_stale_pairs_are_judged_again_and_replaced() -> None:
    bench = Bench()
    await bench.ask(make_demand())
    later = NOW_MS + 60_001
    await bench.ask(make_demand(at=later))
    held = await bench.page()
    assert held is not None
    assert set(held.computed_at_ms().tolist()) == {later}


async def test_pair_asked_for_twice_in_a_batch_is_judged_once() -> None:
    bench = Bench()
    demands = [make_demand(items=range(5)), make_demand(items=range(2, 7))]
    assert await bench.ask(*demands) == [True, True]
    assert [len(each.item_keys) for each in bench.counting.wanted] == [5, 2]
    held = await bench.page()
    assert held is not None
    assert (len(held.pair_keys), held.version) == (7, 1)


async def test_pair_that_gave_no_number_is_not_judged_again_within_the_window() -> None:
    bench = Bench()
    bench.counting.broken = {0}
    await bench.ask(make_demand(items=[1]))
    await bench.ask(make_demand(items=[1, 2], at=NOW_MS + 9_999))
    assert bench.pairs("duplicate") == 1
    await bench.ask(make_demand(items=[1], at=NOW_MS + 10_000))
    assert [len(each.item_keys) for each in bench.counting.wanted] == [1, 1, 1]


async def test_what_was_judged_under_an_earlier_lease_is_not_relied_on() -> None:
    bench = Bench()
    bench.counting.broken = {0}
    await bench.ask(make_demand(items=[1]), token=1)
    await bench.ask(make_demand(items=[1]), token=2)
    assert bench.pairs("duplicate") == 0
    assert bench.pairs("not_finite") == 2


async def test_each_user_gets_the_rows_judged_for_them() -> None:
    bench = Bench()
    await bench.ask(make_demand("a", range(2)), make_demand("b", range(3)), make_demand("a", [9]))
    for user, logits in (("a", {1.0, 2.0, 6.0}), ("b", {3.0, 4.0, 5.0})):
        held = await bench.page(user)
        assert held is not None
        assert set(held.logit[:, 0].tolist()) == logits


async def test_entry_is_as_old_as_its_demand_waited() -> None:
    bench = Bench()
    bench.clock.now += 7.0
    await bench.ask(make_demand(at=NOW_MS))
    held = await bench.page()
    assert held is not None
    assert set(held.computed_at_ms().tolist()) == {NOW_MS + 7_000}


async def test_answers_that_are_not_finite_are_not_written() -> None:
    bench = Bench()
    bench.counting.broken = {0, 3}
    assert await bench.ask(make_demand()) == [True]
    held = await bench.page()
    assert held is not None
    assert held.logit[:, 0].tolist().count(2.0) == 1
    assert len(held.pair_keys) == 3
    assert np.isfinite(held.aggregate.z).all()
    assert (bench.pairs("not_finite"), bench.pairs("computed")) == (2, 3)


async def test_teacher_that_is_all_nan_writes_nothing() -> None:
    bench = Bench()
    bench.counting.broken = set(range(5))
    assert await bench.ask(make_demand()) == [True]
    assert await bench.page() is None


async def test_page_stays_within_its_limit_with_what_promises_most() -> None:
    bench = Bench()
    for batch in range(4):
        at = NOW_MS + batch
        await bench.ask(make_demand(items=range(8 * batch, 8 * batch + 8), at=at))
    held = await bench.page()
    assert held is not None
    assert sorted(held.logit[:, 0].tolist()) == [4] * 4 + [5] * 4 + [6] * 4 + [7] * 4 + [8] * 4


async def test_damaged_page_and_record_are_written_over() -> None:
    bench = Bench()
    rubbish = {bench.pages.key("user-1"): b"rubbish", record_key("user-1"): b"rubbish"}
    await bench.store.put_many(rubbish, None)
    assert await bench.ask(make_demand()) == [True]
    assert (await bench.page()) is not None


async def test_record_of_another_schema_is_a_stranger_to_the_teacher() -> None:
    bench = Bench()
    foreign = make_record()._replace(fingerprint=1)
    await bench.store.put_many({record_key("user-1"): record.encode(foreign)}, None)
    await bench.ask(make_demand())
    assert len(bench.counting.wanted[0].state.items) == 0


def test_demand_of_another_schema_is_refused() -> None:
    asked = make_demand()._replace(context=np.zeros(3, np.uint64))
    with pytest.raises(MessageCorrupt, match="context"):
        Bench().refresher.decode(demand.encode(asked, 0))


async def test_counters_told_by_ingest_are_used(teacher: Teacher) -> None:
    streams, catalogue = MemoryStreams(), teacher.items.view.base
    bench = Bench(
        follower=ItemFollower.of(teacher.items, MemoryTable(), streams, teacher.schema.log)
    )
    key = catalogue.keys[7]
    change = ItemCounters(np.array([key]), np.array([[9.0, 3.0, 1.0]]), np.array([NOW_MS + 5]))
    await bench.ask(make_demand())
    older = change._replace(counters=np.zeros((1, 3)), counters_at=np.array([NOW_MS + 4]))
    await streams.append(ITEMS_STREAM, [encode(older)] * 100 + [encode(change)], 1000)
    await bench.ask(make_demand(items=[8]))
    assert catalogue.counters[7].tolist() == [9.0, 3.0, 1.0]
    assert catalogue.counters_at[7] == NOW_MS + 5
