"""The highest rate that holds, found from both sides and then confirmed by a longer trial."""

from collections.abc import Callable
from typing import Final, NamedTuple

from loadtest.search import Bracket

TRIES: Final = 2
MOST_DOUBLINGS: Final = 12
MOST_CONFIRMATIONS: Final = 6


class Trial(NamedTuple):
    rate: float
    holds: bool
    why: str = ""  # it did not hold
    is_generators: bool = False  # the load was never sent: the limit is on this side
    p99_ms: float | None = None


class Capacity(NamedTuple):
    rate: float | None  # None where the lowest rate tried did not hold
    trials: list[Trial]
    is_generators: bool  # the server may hold more than `rate`


Attempt = Callable[[float, bool], Trial]
"""At a rate; True is the longer trial that confirms."""


class Search:
    """One search. A rate that did not hold is tried again, since a neighbour's second of work is
    not the server's; one that held is believed only when it holds for longer."""

    def __init__(self, attempt: Attempt, within: float) -> None:
        self._attempt = attempt
        self._within = within
        self.trials: list[Trial] = []

    def run(self, start: float) -> Capacity:
        bracket = self._bracket(start)
        if bracket is None:
            return Capacity(None, self.trials, self._is_generators)
        while bracket.high > bracket.low * (1.0 + self._within):
            bracket = bracket.halved(self._holds(bracket.middle))
        return Capacity(self._confirmed(bracket.low), self.trials, self._is_generators)

    def _bracket(self, start: float) -> Bracket | None:
        """None where even a small part of `start` is too much."""
        rate = start
        if self._holds(rate):
            for _ in range(MOST_DOUBLINGS):
                if not self._holds(rate * 2.0):
                    break
                rate *= 2.0
            return Bracket(rate, rate * 2.0)
        for _ in range(MOST_DOUBLINGS):
            rate /= 2.0
            if self._holds(rate):
                return Bracket(rate, rate * 2.0)
        return None

    def _holds(self, rate: float) -> bool:
        return any(self._try(rate) for _ in range(TRIES))

    def _try(self, rate: float, confirms: bool = False) -> bool:
        self.trials.append(self._attempt(rate, confirms))
        return self.trials[-1].holds

    def _confirmed(self, rate: float) -> float | None:
        for _ in range(MOST_CONFIRMATIONS):
            if self._try(rate, confirms=True):
                return rate
            rate *= 1.0 - self._within
        return None

    @property
    def _is_generators(self) -> bool:
        """Whether the lowest rate that did not hold was one that was never sent. What the last
        trial of a rate says is believed: one that held at last did hold."""
        last = {trial.rate: trial for trial in self.trials}
        failed = [trial for trial in last.values() if not trial.holds]
        return bool(failed) and min(failed, key=lambda trial: trial.rate).is_generators


def spread(rates: list[float]) -> float:
    """Of several searches: highest over lowest, less one."""
    return max(rates) / min(rates) - 1.0
