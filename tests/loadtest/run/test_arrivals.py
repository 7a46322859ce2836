import numpy as np
import pytest

from loadtest.errors import LoadInvalid
from loadtest.run.arrivals import arrivals, expected, logged_arrivals, multiple_at
from loadtest.run.scenario import built_in

STEADY = ((0.0, 1.0), (1.0, 1.0))
SPIKE = built_in()["spike"].profile


def test_a_steady_profile_is_a_poisson_process_of_its_rate() -> None:
    due = arrivals(STEADY, 500.0, 20.0, seed=1)
    gaps = np.diff(due)
    assert len(due) == 10_000
    assert due[-1] == pytest.approx(20.0)
    assert gaps.std() == pytest.approx(1 / 500.0, rel=0.05)


def test_a_spike_has_its_multiple_of_requests() -> None:
    due = arrivals(SPIKE, 100.0, 100.0, seed=1)
    within = ((due >= 40.0) & (due < 60.0)).sum()
    assert within / ((due < 40.0).sum() / 2) == pytest.approx(3.0, rel=0.1)


def test_a_profile_is_straight_between_points_and_behind_a_jump() -> None:
    assert multiple_at(((0.0, 0.0), (1.0, 2.0)), 0.25) == 0.5
    assert multiple_at(SPIKE, 0.4) == 3.0
    assert multiple_at(SPIKE, 1.0) == 1.0


@pytest.mark.parametrize("name", list(built_in()))
def test_every_scenario_sends_what_its_profile_sums_to(name: str) -> None:
    profile = built_in()[name].profile
    due = arrivals(profile, 50.0, 60.0, seed=3)
    assert len(due) == int(expected(profile, 50.0, 60.0))
    assert (np.diff(due) >= 0).all()
    assert due[0] >= 0


def test_a_log_keeps_its_rhythm() -> None:
    due = logged_arrivals([0, 1000, 4000, 9000], rate=1.0, seconds=3.0)
    assert due.tolist() == pytest.approx([0.0, 0.75, 3.0])


def test_more_than_the_log_has_is_refused() -> None:
    with pytest.raises(LoadInvalid, match="the log has 2"):
        logged_arrivals([0, 1], rate=10.0, seconds=1.0)


def test_nothing_to_send_is_refused() -> None:
    with pytest.raises(LoadInvalid, match="is 0 requests"):
        arrivals(STEADY, 0.1, 1.0, seed=1)
