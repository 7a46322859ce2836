import pytest

from models.schema import TIERS
from server.console.live import live_of
from server.console.readings import GAP_S, MAX_SERIES, READINGS, Readings
from server.workers.merge import merged
from tests.server.console.pages import Counting


def read(*pages: bytes, apart_s: float = 1.0) -> Readings:
    readings = Readings()
    for number, page in enumerate(pages):
        readings.add(page, apart_s * number)
    return readings


def test_before_the_second_reading_nothing_is_claimed() -> None:
    counting = Counting()
    counting.rank(3.0)
    told = live_of(read(counting.page()))
    assert (told.seconds, told.requests_per_s, told.lanes) == (0.0, 0.0, [])


def test_percentiles_are_of_what_came_within_the_window() -> None:
    counting = Counting()
    for _ in range(1000):
        counting.rank(400.0)
    before = counting.page()
    for _ in range(98):
        counting.rank(2.0)
    for _ in range(2):
        counting.rank(40.0)
    [lane] = live_of(read(before, counting.page(), apart_s=4.0)).lanes
    total = lane.stages["total"]
    assert 1.6 <= total.p50_ms <= 2.2  # the bucket of 2 ms
    assert total.p50_ms < total.p95_ms <= 2.2
    assert 28.0 <= total.p99_ms <= 58.0
    assert lane.requests_per_s == 25.0
    assert lane.stages["inference"] == total
    assert lane.stages["cache"].p99_ms < 0.06


def test_bucket_is_entered_at_its_own_lower_bound() -> None:
    """Not at 0, though the buckets below it gained nothing."""
    counting = Counting()
    before = counting.page()
    counting.rank(100.0)
    [lane] = live_of(read(before, counting.page())).lanes
    assert lane.stages["total"].p50_ms > 60.0


def test_workers_are_added_up_whoever_is_asked() -> None:
    first, second = Counting("0"), Counting("1")
    before = merged([first.page(), second.page()])
    first.rank(2.0)
    for _ in range(3):
        second.rank(2.0)
    one, other = (
        live_of(read(before, merged(pages)))
        for pages in ([first.page(), second.page()], [second.page(), first.page()])
    )
    assert one == other
    assert one.requests_per_s == 4.0
    assert one.statuses == {"200": 4.0}


def test_worker_that_was_begun_again_counts_from_naught() -> None:
    steady, before, after = Counting("0"), Counting("1"), Counting("1")
    for _ in range(9):
        before.rank(2.0)
    earlier = merged([steady.page(), before.page()])
    after.rank(2.0)
    steady.rank(2.0)
    told = live_of(read(earlier, merged([steady.page(), after.page()])))
    assert told.requests_per_s == 2.0


def test_worker_that_left_takes_nothing_away() -> None:
    first, second = Counting("0"), Counting("1")
    second.rank(2.0)
    earlier = merged([first.page(), second.page()])
    first.rank(2.0)
    assert live_of(read(earlier, first.page())).requests_per_s == 1.0


def test_worker_that_was_silent_for_a_moment_makes_no_leap() -> None:
    """Whether it is the first reading or a later one that lacks it."""
    steady, silent = Counting("0"), Counting("1")
    for _ in range(50):
        silent.rank(2.0)
    for lacking in (0, 2):
        readings = Readings()
        for second in range(6):
            steady.rank(2.0)
            silent.rank(2.0)
            pages = [steady.page(), silent.page()][: 1 if second == lacking else 2]
            readings.add(merged(pages), float(second))
            told = live_of(readings)
            assert told.requests_per_s <= 2.0
            assert told.latest.requests_per_s <= 2.0
        assert told.latest.requests_per_s >= 1.8


def test_first_answer_of_a_lane_counts_where_its_worker_was_heard_before() -> None:
    workers = [Counting("0"), Counting("1")]
    before = merged([each.page() for each in workers])
    workers[0].rank(2.0, "canary")
    told = live_of(read(before, merged([each.page() for each in workers])))
    assert told.requests_per_s == 1.0


def test_workers_that_are_silent_are_told() -> None:
    page = b'understudy_workers{state="answering"} 3.0\nunderstudy_workers{state="silent"} 1.0\n'
    told = live_of(read(page, page))
    assert (told.workers, told.silent_workers) == (3, 1)


def test_lanes_stand_apart_the_stable_one_first() -> None:
    counting = Counting()
    before = counting.page()
    counting.rank(9.0, "canary", "bbb")
    counting.rank(1.0)
    lanes = live_of(read(before, counting.page())).lanes
    assert [(lane.lane, lane.version) for lane in lanes] == [("stable", "aaa"), ("canary", "bbb")]
    assert lanes[1].stages["total"].p50_ms > lanes[0].stages["total"].p50_ms
    assert lanes[0].coverage == dict.fromkeys(map(str, TIERS), 0.0) | {"none": 0.75} | {
        str(TIERS[4]): 0.25
    }


def test_shed_and_degraded_are_by_reason() -> None:
    counting = Counting()
    before = counting.page()
    counting.metrics.shed.labels("overloaded").inc(4)
    counting.metrics.degraded.labels("cache", "timeout").inc(2)
    counting.metrics.requests.count("/metrics", "200").value += 7
    told = live_of(read(before, counting.page(), apart_s=2.0))
    assert told.shed == {"overloaded": 2.0}
    assert told.degraded == {"cache:timeout": 1.0}
    assert told.statuses == {}  # of what ranks alone


def test_window_is_a_minute_and_latest_a_few_seconds() -> None:
    counting, readings = Counting(), Readings()
    for second in range(90):
        counting.rank(2.0)
        if second >= 85:
            for _ in range(9):
                counting.rank(2.0)
        readings.add(counting.page(), float(second))
    told = live_of(readings)
    assert told.seconds == 60.0
    assert told.latest.requests_per_s == 10.0
    assert told.requests_per_s == pytest.approx((55 + 50) / 60)
    assert len(readings._kept) <= READINGS


def test_after_a_gap_the_window_begins_anew() -> None:
    counting, readings = Counting(), Readings()
    readings.add(counting.page(), 0.0)
    counting.rank(2.0)
    readings.add(counting.page(), GAP_S + 1.0)
    assert live_of(readings).seconds == 0.0


def test_series_without_end_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_SERIES > 10_000
    monkeypatch.setattr("server.console.readings.MAX_SERIES", 3)
    readings = Readings()
    for number in range(9):
        readings.add(b'understudy_shed_total{reason="%d"} 1.0\n' % number, float(number))
    assert len(readings._series) <= 4


def test_label_may_hold_anything() -> None:
    page = b'understudy_shed_total{reason="a \\"} b{c=\\\\",worker="1"} 2.0\n'
    readings = read(page.replace(b" 2.0", b" 1.0"), page)
    assert live_of(readings).shed == {'a \\"} b{c=\\\\': 1.0}
