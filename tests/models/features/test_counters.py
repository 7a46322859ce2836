import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features.counters import PRIOR_IMPRESSIONS, Prior, observed, write_rates
from models.features.records import F32, F64, I64

HALF_LIFE_MS = 1_000.0
PRIOR = Prior.of((0.04, 0.005))
CLICK_PRIOR = Prior.of((0.04,))


def rates(counts: F64, at_ms: I64, now_ms: I64, prior: Prior) -> F32:
    into = np.full(counts.shape, np.nan, np.float32)
    write_rates(into, counts, at_ms, now_ms, prior, HALF_LIFE_MS)
    return into


def test_the_first_event_counts_one() -> None:
    assert observed([0.0, 0.0, 0.0], 0, 5_000, 0b011, HALF_LIFE_MS) == ([1.0, 1.0, 0.0], 5_000)


def test_counts_halve_every_half_life() -> None:
    counts, at_ms = observed([8.0, 4.0, 2.0], 10_000, 11_000, 0b101, HALF_LIFE_MS)
    assert counts == [5.0, 2.0, 2.0]
    assert at_ms == 11_000


def test_an_event_older_than_the_state_counts_whole_and_leaves_its_time() -> None:
    assert observed([8.0, 4.0], 10_000, 9_000, 0b11, HALF_LIFE_MS) == ([9.0, 5.0], 10_000)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 7)), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_events_of_one_instant_may_come_in_any_order(
    events: list[tuple[int, int]], random: object
) -> None:
    """Bit for bit: a log keeps no order within an instant, and a stream keeps another."""
    shuffled = events.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert replayed(events) == replayed(shuffled)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_an_impression_and_its_click_may_come_apart(events: list[tuple[int, int]]) -> None:
    """Live, a click is an event of its own; in a log, a label of its impression."""
    whole = [(hour, 1 | positive << 1) for hour, positive in events]
    apart = [part for hour, positive in events for part in ((hour, 1), (hour, positive << 1))]
    assert replayed(whole) == replayed(apart)


def replayed(events: list[tuple[int, int]]) -> tuple[list[float], int]:
    counts, at_ms = [0.0, 0.0, 0.0], 0
    for instant, outcome in sorted(events, key=lambda event: event[0]):
        counts, at_ms = observed(counts, at_ms, 1 + instant * 777, outcome, HALF_LIFE_MS)
    return counts, at_ms


def test_nothing_counted_is_the_prior() -> None:
    read = rates(np.zeros((1, 3)), np.array([0]), np.array([5_000]), PRIOR)
    assert read[0].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)


def test_rates_are_log_odds_above_the_prior() -> None:
    counts = np.array([[100.0, 12.0, 0.0]])
    read = rates(counts, np.array([5_000]), np.array([5_000]), PRIOR)[0]
    click = (12.0 + 0.04 * PRIOR_IMPRESSIONS) / (100.0 + PRIOR_IMPRESSIONS)
    wanted = math.log(click / (1 - click)) - math.log(0.04 / 0.96)
    assert read[0] == pytest.approx(math.log1p(100.0))
    assert read[1] == pytest.approx(wanted, rel=1e-6)
    assert read[2] < 0


def test_old_counts_fade_towards_the_prior() -> None:
    counts, at_ms = np.array([[50.0, 25.0]] * 3), np.array([1_000] * 3)
    now_ms = np.array([1_000, 2_000, 60_000])
    read = rates(counts, at_ms, now_ms, CLICK_PRIOR)
    assert read[0, 1] > read[1, 1] > read[2, 1]
    assert read[2].tolist() == pytest.approx([0.0, 0.0], abs=1e-6)


@given(st.integers(0, 20_000))
def test_no_age_makes_a_subnormal(half_lives: int) -> None:
    now_ms = np.array([1 + half_lives * int(HALF_LIFE_MS)])
    read = np.abs(rates(np.array([[3.0, 0.0]]), np.array([1]), now_ms, CLICK_PRIOR))
    assert ((read == 0) | (read >= np.finfo(np.float32).tiny)).all()


def test_a_clock_behind_the_state_reads_it_undecayed() -> None:
    counts, at_ms = np.array([[50.0, 25.0]]), np.array([9_000])
    behind = rates(counts, at_ms, np.array([1_000]), CLICK_PRIOR)
    level = rates(counts, at_ms, at_ms, CLICK_PRIOR)
    assert behind.tolist() == level.tolist()


def test_a_rate_of_one_stays_finite() -> None:
    counts = np.array([[1e9, 1e9]])
    read = rates(counts, np.array([1]), np.array([1]), CLICK_PRIOR)
    assert np.isfinite(read).all()
