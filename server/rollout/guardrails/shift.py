"""Whether the scores of two lanes are distributed alike, and how far apart they are."""

import numpy as np
from scipy.special import gammaln, xlogy

from models.features.records import F64, Mask

_PRIOR = 0.5


def psi(one: F64, other: F64) -> F64:
    """The population stability index of `[…, B]` counts: Σ (q − p) ln(q/p), less what chance alone
    makes of it, (B' − 1)(1/n + 1/m) for B' buckets in use (Yurdakul & Naranjo, "Statistical
    properties of the population stability index", Journal of Risk Model Validation 14, 2020)."""
    used = (one + other) > 0.0
    buckets = np.maximum(used.sum(axis=-1), 1)
    p, q = (_smoothed(counts, used, buckets) for counts in (one, other))
    terms = (q - p) * (np.log(np.where(used, q, 1.0)) - np.log(np.where(used, p, 1.0)))
    found: F64 = np.maximum(terms.sum(axis=-1) - chance(one, other), 0.0)
    return found


def chance(one: F64, other: F64) -> F64:
    """The index to be expected of two samples of one distribution; infinite for an empty one."""
    buckets = ((one + other) > 0.0).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (buckets - 1) * (1.0 / one.sum(axis=-1) + 1.0 / other.sum(axis=-1))
    return np.where(np.isfinite(found) & (buckets > 0), found, np.inf)


def log_evidence(one: F64, other: F64) -> F64:
    """Against one common distribution, an e-process: it passes ln(1/α) at any time with probability
    at most α. The mixture likelihood of each lane by itself (Dirichlet ½: Krichevsky & Trofimov
    1981) ÷ the largest likelihood that any common distribution gives both (Wasserman, Ramdas &
    Balakrishnan, "Universal inference", PNAS 2020; the denominator is never less than the
    likelihood of the truth, against which the whole is a martingale)."""
    both = one + other
    total = both.sum(axis=-1, keepdims=True)
    share = both / np.where(total > 0.0, total, 1.0)
    common = xlogy(both, share).sum(axis=-1)
    found: F64 = _mixture(one) + _mixture(other) - common
    return found


def _mixture(counts: F64) -> F64:
    buckets = counts.shape[-1]
    n = counts.sum(axis=-1)
    each = gammaln(counts + _PRIOR) - gammaln(_PRIOR)
    found: F64 = each.sum(axis=-1) + gammaln(_PRIOR * buckets) - gammaln(n + _PRIOR * buckets)
    return found


def _smoothed(counts: F64, used: Mask, buckets: F64) -> F64:
    n = counts.sum(axis=-1, keepdims=True)
    found: F64 = np.where(used, counts + _PRIOR, 0.0) / (n + _PRIOR * buckets[..., None])
    return found
