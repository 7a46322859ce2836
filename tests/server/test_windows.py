"""Sliding windows over counters that only grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.windows import READINGS, STEP_S, WINDOWS_S, SlidingCounts
from tests.cache.fake_clock import FakeClock


def test_young_process_says_how_much_its_windows_cover() -> None:
    clock, counters = FakeClock(), [0, 0]
    counts = SlidingCounts(lambda: counters, clock)
    clock.now += 7.0
    counters[:] = [3, 1]
    window = counts.over(300.0)
    assert window.seconds == 7.0
    assert window.counts.tolist() == [3, 1]


def test_what_is_older_than_the_window_has_left_it() -> None:
    clock, counters = FakeClock(), [0]
    counts = SlidingCounts(lambda: counters, clock)
    for _ in range(100):
        clock.now += STEP_S
        counters[0] += 1
        counts.read()
    assert counts.over(300.0).counts.tolist() == [30]
    assert counts.over(300.0).seconds == 300.0


@pytest.mark.parametrize("window_s", WINDOWS_S.values())
def test_longest_window_fits_the_ring(window_s: float) -> None:
    clock, counters = FakeClock(), [0]
    counts = SlidingCounts(lambda: counters, clock)
    for _ in range(2 * READINGS):
        clock.now += STEP_S
        counters[0] += 2
        counts.read()
    clock.now += STEP_S / 2
    window = counts.over(window_s)
    assert window_s <= window.seconds < window_s + STEP_S
    assert window.counts[0] == 2 * (window.seconds - STEP_S / 2) / STEP_S


@given(st.lists(st.tuples(st.floats(0.5, 40.0), st.integers(0, 9)), max_size=60))
def test_window_holds_what_brute_force_counts(steps: list[tuple[float, int]]) -> None:
    """Readings come when they come; each is the sum until then."""
    clock, counters = FakeClock(), [0]
    counts = SlidingCounts(lambda: counters, clock, readings=100)
    readings = [(clock.now, 0)]
    for seconds, more in steps:
        clock.now += seconds
        counters[0] += more
        counts.read()
        readings.append((clock.now, counters[0]))
    old = [total for at, total in readings if at <= clock.now - 60.0]
    assert counts.over(60.0).counts[0] == counters[0] - (old[-1] if old else 0)
