"""How much slower the one is, from paired blocks, with an interval.

The logarithm of the ratio is taken block by block, so that what the machine did meanwhile falls on
both; which of a pair comes first is chance, so that of equals it is symmetric about 0, whatever
its distribution. Then Wilcoxon's signed ranks have exactly the level that they claim, and a
neighbour's minute moves them little: the value is the median of the Walsh averages (Hodges &
Lehmann 1963), the interval its order statistics (Hollander, Wolfe & Chicken, Nonparametric
Statistical Methods, 3.3). A bootstrap of the mean over the same blocks was tried first and is worse
on both counts: docs/loadtest.md.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

FEWEST: Final = 9
ALPHA: Final = 0.05


class Ratio(NamedTuple):
    """Of the second to the first."""

    value: float
    low: float
    high: float
    blocks: int

    @property
    def differs(self) -> bool:
        return not self.low <= 1.0 <= self.high

    def as_json(self) -> dict[str, Any]:
        return {**self._asdict(), "differs": self.differs}


def ratio(first: F64, second: F64, alpha: float = ALPHA) -> Ratio | None:
    """`[blocks]` each, paired; None where too few blocks have both for an interval at `alpha`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(second) - np.log(first)
    logs = logs[np.isfinite(logs)]
    if len(logs) < FEWEST:
        return None
    averages, cut = walsh_averages(logs), cut_off(len(logs), alpha)
    if cut < 0:
        return None
    middle, low, high = np.median(averages), averages[cut], averages[-1 - cut]
    return Ratio(float(np.exp(middle)), float(np.exp(low)), float(np.exp(high)), len(logs))


def walsh_averages(values: F64) -> F64:
    """Of every pair, each value with itself too, ascending: n(n+1)/2 of them."""
    rows, columns = np.triu_indices(len(values))
    return np.sort((values[rows] + values[columns]) / 2.0)


def cut_off(count: int, alpha: float) -> int:
    """How many averages lie outside at either end: the largest c with P(T ≤ c) ≤ α/2, T the sum of
    signed ranks of `count` symmetric values; −1 where even T = 0 is more likely than that."""
    chances = np.zeros(count * (count + 1) // 2 + 1)
    chances[0] = 1.0
    for rank in range(1, count + 1):
        moved = np.concatenate([np.zeros(rank), chances[:-rank]])
        chances = (chances + moved) / 2.0
    return int((np.cumsum(chances) <= alpha / 2.0).sum()) - 1


def compared(first: dict[str, F64], second: dict[str, F64]) -> dict[str, Ratio | None]:
    """Every metric that both have. α is shared among them (Bonferroni): a build compared with
    itself differs in *any* of them in one of twenty."""
    names = [name for name in first if name in second]
    return {name: ratio(first[name], second[name], ALPHA / len(names)) for name in names}
