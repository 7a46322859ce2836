import pytest

from loadtest.open_loop import Outcome
from loadtest.search import TRIALS, TRIES, highest_rate, holds


def _outcome(rate: float, p99_ms: float = 1.0, failed: int = 0, achieved: float = 1.0) -> Outcome:
    return Outcome(rate, rate * achieved, p99_ms / 2, p99_ms, 100, failed)


def _holding_up_to(capacity: float) -> list[float]:
    asked: list[float] = []

    def attempt(rate: float) -> Outcome:
        asked.append(rate)
        return _outcome(rate, p99_ms=1.0 if rate <= capacity else 100.0)

    best = highest_rate(attempt, 0.0, 1000.0, 25.0).best
    assert best is not None
    return [best.intended_rate, *asked]


@pytest.mark.parametrize("capacity", [10.0, 333.0, 999.0])
def test_search_ends_within_its_resolution_below_the_capacity(capacity: float) -> None:
    found, *asked = _holding_up_to(capacity)
    assert len(set(asked)) == TRIALS
    assert capacity - 1000.0 / 2**TRIALS <= found <= capacity


def test_nothing_holds_is_no_best() -> None:
    found = highest_rate(lambda rate: _outcome(rate, p99_ms=99.0), 0.0, 1000.0, 25.0)
    assert found.best is None
    assert len(found.trials) == TRIES * TRIALS


def test_rate_that_fails_once_by_accident_still_counts() -> None:
    seen: set[float] = set()

    def attempt(rate: float) -> Outcome:
        is_first = rate not in seen
        seen.add(rate)
        return _outcome(rate, p99_ms=99.0 if is_first else 1.0)

    best = highest_rate(attempt, 0.0, 1000.0, 25.0).best
    assert best is not None
    assert best.intended_rate > 990.0


@pytest.mark.parametrize(
    "outcome",
    [_outcome(100.0, p99_ms=25.1), _outcome(100.0, failed=1), _outcome(100.0, achieved=0.9)],
    ids=["late", "failed", "load never arrived"],
)
def test_rate_does_not_hold(outcome: Outcome) -> None:
    assert not holds(outcome, 25.0)
    assert holds(_outcome(100.0), 25.0)
