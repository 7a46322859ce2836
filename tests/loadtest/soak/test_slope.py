"""On series that are made up, so that what is true of them is known."""

import numpy as np
import pytest

from loadtest.soak.slope import FEWEST, HOUR_S, of_level, of_memory
from tests.loadtest.soak.measure_slopes import JUDGES, newey_west, shares
from tests.loadtest.soak.series import SERIES, resembling

WINDOW_S = 10.0
LEVEL, MEMORY = list(JUDGES.values())[:2]
MOST_OF_400 = 0.084  # P(more | 5 %) < 0.2 %, Binomial(400, 0.05)


@pytest.mark.parametrize("name", ["independent", "alike, 0.5", "spiky"])
def test_a_latency_that_keeps_its_level_is_seldom_said_to_grow(name: str) -> None:
    wrong, _ = shares(LEVEL, name, windows=150, times=400)
    assert wrong <= MOST_OF_400


@pytest.mark.parametrize("name", ["independent", "alike, 0.5", "steps that stay", "random walk"])
def test_memory_that_wanders_is_seldom_said_to_leak(name: str) -> None:
    wrong, _ = shares(MEMORY, name, windows=150, times=400)
    assert wrong <= MOST_OF_400


def test_an_interval_for_independent_windows_would_see_leaks_everywhere() -> None:
    wrong, _ = shares(newey_west, "random walk", windows=150, times=100)
    assert wrong > 0.5


def test_windows_that_resemble_each_other_do_not_make_the_interval_narrow() -> None:
    rng = np.random.default_rng(0)
    alike, apart = (resembling(likeness)(rng, 3000).std() for likeness in (0.8, 0.0))
    told = of_level(resembling(0.8)(rng, 150) / alike, WINDOW_S)
    other = of_level(resembling(0.0)(rng, 150) / apart, WINDOW_S)
    assert told is not None
    assert other is not None
    assert told.high - told.low > 1.5 * (other.high - other.low)


@pytest.mark.parametrize("windows", [36, 150])
def test_a_leak_of_the_controls_size_is_found_and_its_size_told(windows: int) -> None:
    """2048 bytes and 1 µs a request, 100 of them a second; noise of half a MB and of 2 ms."""
    mb_h, ms_h, found = 737.0, 360.0, 0
    at_h = np.arange(windows) * WINDOW_S / HOUR_S
    for seed in range(50):
        rng = np.random.default_rng(seed)
        memory = of_memory(0.5 * SERIES["steps that stay"](rng, windows) + mb_h * at_h, WINDOW_S)
        latency = of_level(2.0 * SERIES["spiky"](rng, windows) + ms_h * at_h, WINDOW_S)
        assert memory is not None
        assert latency is not None
        assert memory.low > 0.0
        assert memory.value == pytest.approx(mb_h, rel=0.15)
        found += latency.low > 0.0
    assert found >= 45


def test_growth_without_noise_is_told_exactly() -> None:
    grown = np.arange(60.0)
    for judge in (of_level, of_memory):
        told = judge(grown, WINDOW_S)
        assert told is not None
        assert (told.value, told.low) == pytest.approx((360.0, 360.0))
        assert not told.is_flat


def test_what_does_not_move_is_flat() -> None:
    told = of_memory(np.full(40, 128.0), WINDOW_S)
    assert told is not None
    assert told.is_flat


def test_one_jump_is_no_leak() -> None:
    jumped = np.where(np.arange(150) < 70, 100.0, 140.0)
    told = of_memory(jumped, WINDOW_S)
    assert told is not None
    assert told.is_flat


def test_too_few_windows_tell_nothing() -> None:
    for judge in (of_level, of_memory):
        assert judge(np.zeros(FEWEST - 1), WINDOW_S) is None
        assert judge(np.zeros(FEWEST), WINDOW_S) is not None


def test_a_window_without_enough_answers_is_left_out_and_a_lost_process_is_not() -> None:
    values = np.arange(30.0)
    values[::7] = np.nan
    told = of_level(values, WINDOW_S)
    assert told is not None
    assert told.value == pytest.approx(360.0, rel=0.2)
    assert of_memory(values, WINDOW_S) is None
    assert of_level(np.full(30, np.nan), WINDOW_S) is None
