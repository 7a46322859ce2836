"""A confidence sequence for a rate, from counts alone.

The beta-binomial mixture (Robbins, "Statistical Methods Related to the Law of the Iterated
Logarithm", 1970; Howard, Ramdas, McAuliffe & Sekhon 2021, section 3): for k of n and a rate p,

    M(p) = B(a+k, b+n−k) / B(a, b) / ( pᵏ (1−p)ⁿ⁻ᵏ )

is a martingale when p is the truth, so that {p : M(p) < 1/α} holds it at all times together with
probability at least 1 − α, however often one looks. Exact at any n, rare events included.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from scipy.special import betaln, xlog1py, xlogy

from models.features.records import F64, Mask

PRIORS: Final = ((0.5, 0.5), (0.5, 50.0))
"""For rates of any size, and for those about 1 % and less, as of errors: two nats fewer to find."""
_HALVINGS: Final = 24


class Interval(NamedTuple):
    low: F64
    high: F64


def log_mixture(k: F64, n: F64, p: float, a: float, b: float) -> F64:
    """ln M(p) of one prior."""
    mixed = betaln(a + k, b + n - k) - betaln(a, b)
    found: F64 = mixed - xlogy(k, p) - xlog1py(n - k, -p)
    return found


def interval(k: F64, n: F64, alpha: float) -> Interval:
    """Of `k` events in `n` requests; from 0 to 1 where there are none."""
    estimate = k / np.maximum(n, 1.0)
    evident = math.log(1.0 / alpha)
    # ln M(p) falls towards the estimate from both sides, so each bound is where it passes ln(1/α).
    mixed = _log_marginal(k, n)

    def outside(p: F64) -> Mask:
        return np.asarray(mixed - xlogy(k, p) - xlog1py(n - k, -p) >= evident)

    low = bisected(np.zeros_like(estimate), estimate, outside)
    high = bisected(np.ones_like(estimate), estimate, outside)
    return Interval(np.where(k > 0.0, low, 0.0), np.where(n > k, high, 1.0))


def _log_marginal(k: F64, n: F64) -> F64:
    """The likelihood mixed over PRIORS alike, which is a mixture as well."""
    each = [betaln(a + k, b + n - k) - betaln(a, b) for a, b in PRIORS]
    found: F64 = np.logaddexp.reduce(each, axis=0) - math.log(len(PRIORS))
    return found


def bisected(outer: F64, inner: F64, is_outside: Callable[[F64], Mask]) -> F64:
    """The last place, going from `outer` to `inner`, that is outside."""
    for _ in range(_HALVINGS):
        middle = (outer + inner) / 2.0
        outside = is_outside(middle)
        outer, inner = np.where(outside, middle, outer), np.where(outside, inner, middle)
    return outer
