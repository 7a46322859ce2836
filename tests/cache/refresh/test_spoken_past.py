"""What a refresher says of the impressions before it."""

from cache import record
from cache.keys import record_key
from tests.bundles import NOW_MS
from tests.cache.refresh.asked import make_demand, make_record
from tests.cache.refresh.worker_bench import Bench, Counting


async def with_a_past(bench: Bench) -> None:
    await bench.store.put_many({record_key("user-1"): record.encode(make_record())}, None)


async def test_a_refresh_also_speaks_of_the_impressions_before_it() -> None:
    bench = Bench()
    await with_a_past(bench)
    await bench.ask(make_demand())
    [wanted] = bench.counting.wanted
    assert wanted.item_keys[5:].tolist() == make_record().items.tolist()
    held = await bench.page()
    assert held is not None
    assert len(held.pair_keys) == held.aggregate.pairs == 5
    assert held.sequence.at_ms().tolist() == make_record().times_ms.tolist()
    assert bench.tally.counts["pairs", "past"] == 5
    assert bench.pairs("computed") == 5


async def test_an_impression_is_spoken_of_once() -> None:
    bench = Bench()
    await with_a_past(bench)
    await bench.ask(make_demand(), make_demand(items=range(5, 8)))
    await bench.ask(make_demand(items=range(8, 10)))
    assert [len(each.item_keys) for each in bench.counting.wanted] == [5 + 5, 3, 2]


async def test_impressions_that_the_teacher_learned_of_have_no_place_in_a_sequence() -> None:
    counting = Counting()
    counting.trained_until_ms = NOW_MS - 2000
    bench = Bench(counting)
    await with_a_past(bench)
    await bench.ask(make_demand())
    held = await bench.page()
    assert held is not None
    assert held.sequence.at_ms().tolist() == [NOW_MS - 2000, NOW_MS - 1000]


async def test_what_is_asked_about_an_earlier_time_does_not_reach_later_impressions() -> None:
    bench = Bench()
    await with_a_past(bench)
    await bench.ask(make_demand(at=NOW_MS - 3000))
    held = await bench.page()
    assert held is not None
    assert held.sequence.newest_ms == NOW_MS - 4000
