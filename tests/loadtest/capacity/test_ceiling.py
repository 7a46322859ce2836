import numpy as np
import pytest

from loadtest.capacity.ceiling import Attempt, Search, Trial, spread
from loadtest.capacity.command import as_report
from loadtest.capacity.trials import needs
from loadtest.run.budget import Budget

WITHIN = 0.05


def _holding(capacity: float, noise: float = 0.0, seed: int = 0) -> Attempt:
    rng = np.random.default_rng(seed)

    def attempt(rate: float, confirms: bool) -> Trial:
        return Trial(rate, rate <= capacity * np.exp(noise * rng.normal()))

    return attempt


@pytest.mark.parametrize("capacity", [3.0, 49.0, 51.0, 730.0, 9000.0])
@pytest.mark.parametrize("start", [10.0, 50.0, 400.0])
def test_the_ceiling_is_found_from_either_side(capacity: float, start: float) -> None:
    found = Search(_holding(capacity), WITHIN).run(start)
    assert found.rate is not None
    assert capacity * (1 - WITHIN) <= found.rate <= capacity
    assert not found.is_generators


def test_two_searches_of_one_build_agree() -> None:
    """On a machine whose trials differ by some per cent."""
    agreed = 0
    for seed in range(50):
        rates = [
            Search(_holding(500.0, noise=0.03, seed=2 * seed + each), WITHIN).run(50.0).rate
            for each in range(2)
        ]
        agreed += spread([rate for rate in rates if rate is not None]) <= 0.1
    assert agreed >= 45


def test_a_rate_that_held_by_luck_is_not_confirmed() -> None:
    def attempt(rate: float, confirms: bool) -> Trial:
        return Trial(rate, rate <= (400.0 if confirms else 500.0))

    found = Search(attempt, WITHIN).run(50.0)
    assert found.rate is not None
    assert 400.0 * (1 - WITHIN) <= found.rate <= 400.0


def test_nothing_holds_is_no_capacity() -> None:
    found = Search(_holding(0.0), WITHIN).run(50.0)
    assert found.rate is None
    assert as_report([found])["exit_code"] == 1


def test_a_generator_that_gives_out_first_is_said() -> None:
    def attempt(rate: float, confirms: bool) -> Trial:
        return Trial(rate, rate <= 300.0, is_generators=rate > 300.0)

    told = as_report([Search(attempt, WITHIN).run(50.0)])
    assert told["generator_is_the_limit"]
    assert told["exit_code"] == 3
    assert told["rates"][0] <= 300.0


def _hiccup(at: float, hiccup: Trial, held_below: Attempt) -> Attempt:
    """`hiccup` once at `at`, else as `held_below` says."""
    left = [hiccup]

    def attempt(rate: float, confirms: bool) -> Trial:
        return left.pop() if rate == at and left else held_below(rate, confirms)

    return attempt


def _generator_gives_out(above: float) -> Attempt:
    return lambda rate, _: Trial(rate, rate <= above, is_generators=rate > above)


@pytest.mark.parametrize("at", [50.0, 200.0, 600.0])
def test_generator_that_lagged_once_is_not_the_limit(at: float) -> None:
    lag = Trial(at, holds=False, is_generators=True)
    told = as_report([Search(_hiccup(at, lag, _holding(700.0)), WITHIN).run(50.0)])
    assert lag in [Trial(**trial) for trial in told["searches"][0]]
    assert (told["generator_is_the_limit"], told["exit_code"]) == (False, 0)
    assert 700.0 * (1 - WITHIN) <= told["rates"][0] <= 700.0


@pytest.mark.parametrize("at", [50.0, 200.0, 1600.0])
def test_server_that_faltered_once_is_not_the_limit(at: float) -> None:
    falter = Trial(at, holds=False, why="p99")
    told = as_report([Search(_hiccup(at, falter, _generator_gives_out(3000.0)), WITHIN).run(50.0)])
    assert falter in [Trial(**trial) for trial in told["searches"][0]]
    assert (told["generator_is_the_limit"], told["exit_code"]) == (True, 3)
    assert told["rates"][0] <= 3000.0


def test_rate_that_held_at_last_is_the_servers_where_it_is_not_confirmed() -> None:
    def attempt(rate: float, confirms: bool) -> Trial:
        return Trial(rate, rate <= (380.0 if confirms else 400.0))

    lag = Trial(400.0, holds=False, is_generators=True)
    found = Search(_hiccup(400.0, lag, attempt), WITHIN).run(50.0)
    assert found.rate == pytest.approx(380.0)
    assert not found.is_generators


def test_no_rate_held_for_the_generator() -> None:
    told = as_report([Search(_generator_gives_out(0.0), WITHIN).run(50.0)])
    assert told["rates"] == [None]
    assert told["generator_is_the_limit"]


def test_trials_are_long_enough_for_every_percentile_of_the_budget() -> None:
    assert needs(Budget.model_validate({"p50_ms": 1})) == 6
    assert needs(Budget.model_validate({"stages": {"cache": {"p99_ms": 1}}})) == 368
    assert needs(Budget.model_validate({"errors": 0})) == 1
