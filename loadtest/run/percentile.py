"""Percentiles that are claimed only with an interval which holds for any distribution.

The q-quantile lies between the l-th and the u-th smallest of n values with probability
P(l ≤ B < u), B ~ Binomial(n, q) (David & Nagaraja, Order Statistics, 7.1). Values are taken as
independent; under a queue that builds up they are not, and the interval is too narrow.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

F64 = NDArray[np.float64]

CONFIDENCE: Final = 0.95
CLAIMED: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


class Claim(NamedTuple):
    value: float
    low: float
    high: float

    def as_text(self, unit: str = "ms") -> str:
        return f"{self.value:.2f} {unit} ({self.low:.2f} to {self.high:.2f})"


def claim(values: F64, quantile: float, confidence: float = CONFIDENCE) -> Claim | None:
    """None where `values`, ascending, are too few for an interval: see `fewest`."""
    bounds = ranks(len(values), quantile, confidence)
    if bounds is None:
        return None
    low, high = bounds
    middle = float(np.quantile(values, quantile, method="inverted_cdf"))
    return Claim(middle, float(values[low - 1]), float(values[high - 1]))


def ranks(count: int, quantile: float, confidence: float) -> tuple[int, int] | None:
    """The order statistics, counted from 1, that bound the quantile; each tail alike."""
    tail = (1.0 - confidence) / 2.0
    if count < fewest(quantile, confidence):
        return None
    low, high = binom.ppf([tail, 1.0 - tail], count, quantile)
    return int(low), int(high) + 1


def fewest(quantile: float, confidence: float = CONFIDENCE) -> int:
    """Values needed before both bounds exist: 368 for p99, 3,688 for p99.9."""
    tail = (1.0 - confidence) / 2.0
    count = math.ceil(math.log(tail) / math.log(max(quantile, 1.0 - quantile)))
    while not _has_both(count, quantile, tail):
        count += 1
    return count


def _has_both(count: int, quantile: float, tail: float) -> bool:
    low, high = binom.ppf([tail, 1.0 - tail], count, quantile)
    return bool(low >= 1 and high < count)


def claims(values: Sequence[float] | F64) -> dict[str, Claim | None]:
    ordered = np.sort(np.asarray(values, np.float64))
    return {name: claim(ordered, quantile) for name, quantile in CLAIMED.items()}


def as_json(claimed: dict[str, Claim | None]) -> dict[str, Any]:
    """What cannot be told is null, with the number of answers that it takes."""
    return {
        name: {"needs": fewest(CLAIMED[name])} if one is None else one._asdict()
        for name, one in claimed.items()
    }
