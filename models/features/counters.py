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

    positives: F64  # [T] among PRIOR_IMPRESSIONS
    negatives: F64  # [T]
    odds: F64  # [T] log-odds

    @classmethod
    def of(cls, rates: Sequence[float]) -> Self:
        base = np.array(rates)
        of_prior = (base * PRIOR_IMPRESSIONS, (1.0 - base) * PRIOR_IMPRESSIONS)
        return cls(*of_prior, np.log(base / (1.0 - base)))


def write_rates(
    into: F32, counts: F64, at_ms: I64, now_ms: I64, prior: Prior, half_life_ms: float
) -> None:
    """`[n, 1 + T]` of counts → log1p(impressions) and log-odds of each task above its prior.

    What was never counted (time 0) counts nothing, however the time since then is read.
    """
    elapsed = now_ms - at_ms
    np.maximum(elapsed, 0, out=elapsed)
    keep = elapsed / -half_life_ms
    np.exp2(keep, out=keep)
    # Counts in rows: a loop over n is worth starting, one over tasks is not.
    decayed = np.multiply(counts.T, keep, order="C")
    odds = decayed[1:] + prior.positives[:, None]
    # A positive may be known without its impression.
    negatives = decayed[0] - decayed[1:]
    np.maximum(negatives, 0.0, out=negatives)
    negatives += prior.negatives[:, None]
    odds /= negatives
    np.log(odds, out=odds)
    odds -= prior.odds[:, None]
    into[:, 0] = np.log1p(np.maximum(decayed[0], FORGOTTEN))
    into[:, 1:] = odds.T
