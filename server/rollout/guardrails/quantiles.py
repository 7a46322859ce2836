"""A confidence sequence for a quantile, from a histogram.

Howard & Ramdas, "Sequential estimation of quantiles with applications to A/B testing and best-arm
identification", Bernoulli 28, 2022: at the true p-quantile, the count of values up to it is
binomial with rate p, so the beta-binomial mixture M(p) of rates.py at that count passes 1/α with
probability at most α, at any time. Thresholds at which it passes lie outside. Only counts at the
edges of buckets are known; as counts grow from edge to edge, an edge is below the quantile when its
count is too small, and above when too large, and nothing is assumed of what lies between.
"""

import math
from typing import Final

import numpy as np

from models.features.records import F64, Mask
from server.rollout.guardrails.layout import LATENCY_EDGES_S
from server.rollout.guardrails.mixture import mixing_for
from server.rollout.guardrails.rates import Interval, bisected, log_mixture

TIGHTEST_AT: Final = 500
"""Requests at which the mixture is best; it is good within a factor of ten."""


def quantile(histogram: F64, p: float, edges: F64 = LATENCY_EDGES_S) -> F64:
    """`[…]` the upper edge of the bucket that holds it; infinite for the last."""
    counts = histogram.cumsum(axis=-1)
    place = (counts[..., :-1] < p * counts[..., -1:]).sum(axis=-1)
    found: F64 = np.append(edges, np.inf)[place]
    return found


def quantile_interval(
    histogram: F64, p: float, alpha: float, edges: F64 = LATENCY_EDGES_S
) -> Interval:
    """Of `[…, buckets]`; 0 to infinity while nothing is known."""
    counts = histogram.cumsum(axis=-1)
    below, n = counts[..., :-1], counts[..., -1]
    # Of many lanes at once few counts differ.
    distinct, places = np.unique(n, return_inverse=True)
    small, large = (each[places.reshape(n.shape)] for each in _critical_counts(distinct, p, alpha))
    edges_below = (below <= small[..., None]).sum(axis=-1)
    edges_open = (below < large[..., None]).sum(axis=-1)
    low: F64 = np.append(0.0, edges)[edges_below]
    high: F64 = np.append(edges, np.inf)[edges_open]
    return Interval(low, high)


def _critical_counts(n: F64, p: float, alpha: float) -> tuple[F64, F64]:
    """The largest count of `n` that is too small for rate `p`, and the smallest too large: −1 and
    n + 1 where there is none. M(p) is monotone in the count on either side of its prior mean p."""
    weight = _prior_weight(alpha)
    a, b, evident = weight * p, weight * (1.0 - p), math.log(1.0 / alpha)

    def outside(k: F64) -> Mask:
        return np.asarray(log_mixture(k, n, p, a, b) >= evident)

    few, many = np.zeros_like(n), n.copy()
    small = np.where(outside(few), np.floor(bisected(few, n * p, outside)), -1.0)
    large = np.where(outside(many), np.ceil(bisected(many, n * p, outside)), n + 1.0)
    return small, large


def _prior_weight(alpha: float) -> float:
    """a + b of a prior about p that is tightest at TIGHTEST_AT: its variance p(1−p)/(a+b+1) takes
    the place of τ² in mixing_for, and p(1−p)/TIGHTEST_AT that of V."""
    return max(TIGHTEST_AT / float(mixing_for(1.0, alpha)) - 1.0, 1.0)
