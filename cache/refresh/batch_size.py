"""How many pairs the teacher is given at once, so that a run keeps within a time."""

from typing import Final

FIRST: Final = 32
LEAST: Final = 8
"""Also where the start alone takes longer than a run may: there would be nothing but starts."""
GROWTH: Final = 2.0
"""Of the largest run of late: a line says little about sizes beyond those it was drawn through."""
FADING: Final = 0.99
MEMORY: Final = 0.9
"""Weight of a run against the one after it."""
CAUTION: Final = 0.8
"""Share of the time that the line may promise to use: runs of one size differ."""
MIN_SPREAD: Final = 0.05


class BatchSize:
    """Fits seconds = a + b · pairs through the latest runs, by least squares."""

    def __init__(self, budget_ms: float, most: int) -> None:
        self._budget_s = CAUTION * budget_ms / 1000.0
        self._most = most
        self._weight = self._x = self._y = self._xx = self._xy = 0.0
        self._largest = 0.0
        self.pairs = min(FIRST, most)

    def took(self, pairs: int, seconds: float) -> None:
        """One run, which may have been smaller than `pairs` allowed."""
        self._weight = MEMORY * self._weight + 1.0
        self._x = MEMORY * self._x + pairs
        self._y = MEMORY * self._y + seconds
        self._xx = MEMORY * self._xx + pairs * pairs
        self._xy = MEMORY * self._xy + pairs * seconds
        self._largest = max(float(pairs), FADING * self._largest)
        start_s, each_s = self._line()
        fits = (self._budget_s - start_s) / max(each_s, 1e-9)
        known = max(GROWTH * self._largest, FIRST)
        self.pairs = min(max(LEAST, int(min(fits, known))), self._most)

    def _line(self) -> tuple[float, float]:
        """a and b. Where sizes hardly differ they say nothing of a, and b is their mean cost."""
        mean_x, mean_y = self._x / self._weight, self._y / self._weight
        spread = self._xx / self._weight - mean_x * mean_x
        if spread < (MIN_SPREAD * mean_x) ** 2:
            return 0.0, mean_y / mean_x
        each_s = (self._xy / self._weight - mean_x * mean_y) / spread
        start_s = mean_y - each_s * mean_x
        if each_s <= 0.0 or start_s < 0.0:
            return 0.0, mean_y / mean_x
        return start_s, each_s
