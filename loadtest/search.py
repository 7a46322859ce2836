"""The highest rate at which something holds, by bisection."""

from collections.abc import Callable
from typing import Final, NamedTuple

from loadtest.open_loop import Outcome

TRIALS: Final = 7
TRIES: Final = 3
KEPT_UP: Final = 0.95
"""Below this share of the intended rate the load did not really arrive."""


class Found(NamedTuple):
    best: Outcome | None  # None when even the lowest rate was too much
    trials: list[Outcome]


class Bracket(NamedTuple):
    """Of the rate looked for: `low` held (or was never tried), `high` did not."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2.0

    def halved(self, holds: bool) -> "Bracket":
        return Bracket(self.middle, self.high) if holds else Bracket(self.low, self.middle)


def highest_rate(
    attempt: Callable[[float], Outcome], low: float, high: float, p99_limit_ms: float
) -> Found:
    """Between `low` and `high` requests a second, to within (high − low) / 2^TRIALS.

    A rate that did not hold is tried again: on a shared machine a neighbour's second of work would
    otherwise halve the result.
    """
    best, trials, bracket = None, [], Bracket(low, high)
    for _ in range(TRIALS):
        for _ in range(TRIES):
            trials.append(attempt(bracket.middle))
            if holds(trials[-1], p99_limit_ms):
                break
        has_held = holds(trials[-1], p99_limit_ms)
        best = trials[-1] if has_held else best
        bracket = bracket.halved(has_held)
    return Found(best, trials)


def holds(outcome: Outcome, p99_limit_ms: float) -> bool:
    kept_up = outcome.achieved_rate >= KEPT_UP * outcome.intended_rate
    return kept_up and not outcome.failed and outcome.p99_ms <= p99_limit_ms
