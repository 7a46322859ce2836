"""Causal counters: impressions and positives of a user or an item, halved every half-life.

Training replays and live ingest both go through `observed`, one event at a time, so that the
stored state is equal to the last bit; both read it through
`write_rates`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from models.features.records import F32, F64, I64

PRIOR_IMPRESSIONS = 20.0
"""Weight of the base rate in a smoothed rate, in impressions."""
FORGOTTEN = 1e-30
"""Fewer impressions read as this many. Smaller ones become subnormal in float32, and a matrix
product over a column of subnormals takes twice its time."""


def observed(
    counts: list[float], at_ms: int, now_ms: int, outcome: int, half_life_ms: float
) -> tuple[list[float], int]:
    """State after an event with these outcome bits (see History). An old event counts undecayed."""
    elapsed = now_ms - at_ms if at_ms else 0
    keep = math.exp2(-elapsed / half_life_ms) if elapsed > 0 else 1.0
    counted = [count * keep + float(outcome >> bit & 1) for bit, count in enumerate(counts)]
    return counted, max(at_ms, now_ms)


class Prior(NamedTuple):
    """The base rate of each task, as a smoothed rate needs it."""

    weighted: F64  # [T] positives among PRIOR_IMPRESSIONS
    odds: F64  # [T] log-odds

    @classmethod
    def of(cls, rates: Sequence[float]) -> Self:
        base = np.array(rates)
        return cls(base * PRIOR_IMPRESSIONS, np.log(base / (1.0 - base)))


def write_rates(
    into: F32, counts: F64, at_ms: I64, now_ms: I64, prior: Prior, half_life_ms: float
) -> None:
    """`[n, 1 + T]` of counts → log1p(impressions) and log-odds of each task above its prior."""
    elapsed = now_ms - at_ms
    np.maximum(elapsed, 0, out=elapsed)
    elapsed *= at_ms > 0
    keep = elapsed / -half_life_ms
    np.exp2(keep, out=keep)
    # Counts in rows: a loop over n is worth starting, one over tasks is not.
    decayed = np.multiply(counts.T, keep, order="C")
    rate = decayed[1:] + prior.weighted[:, None]
    rate /= decayed[0] + PRIOR_IMPRESSIONS
    np.maximum(rate, 1e-6, out=rate)
    np.minimum(rate, 1.0 - 1e-6, out=rate)
    rate /= 1.0 - rate
    np.log(rate, out=rate)
    rate -= prior.odds[:, None]
    into[:, 0] = np.log1p(np.maximum(decayed[0], FORGOTTEN))
    into[:, 1:] = rate.T
