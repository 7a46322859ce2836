"""What a run is usually worth, and what of the saved budget a lesser one must leave alone.

The price is E[w²] ÷ E[w] over the runs so far, so that the better ones count more. A run worth a
share s of it waits until budget of 1 − s of what can be saved is there: what is worth nothing
beside the usual is done only when budget would be lost otherwise.
"""

from typing import Final

FORGETTING: Final = 0.02
"""A run: the last fifty or so say what is usual."""


class Price:
    def __init__(self) -> None:
        self._first = self._second = 0.0

    def reserve(self, worth: float) -> float:
        """Share of what can be saved, 0 to 1."""
        if self._second <= 0.0:
            return 0.0
        return max(0.0, 1.0 - worth * self._first / self._second)

    def paid(self, worth: float) -> None:
        self._first += FORGETTING * (worth - self._first)
        self._second += FORGETTING * (worth * worth - self._second)


class Free:
    """For policies whose values are an order alone: the best is taken as soon as it can be."""

    def reserve(self, worth: float) -> float:
        return 0.0

    def paid(self, worth: float) -> None:
        """There is nothing to learn."""
