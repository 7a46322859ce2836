"""The normal mixture: how far an estimate may stray from the truth at any time.

For d = estimate − truth with variance V and a mixing variance τ², the likelihood ratio mixed over
N(0, τ²) is √(V/(V+τ²)) · exp(τ²d² / (2V(V+τ²))) (Johari, Koomen, Pekelis & Walsh, "Peeking at A/B
Tests", KDD 2017, equation 6). It is a martingale that passes 1/α at any time with probability at
most α (Ville), so at all times together, but for α,

    d² ≤ 2 V(V+τ²)/τ² · ( ln(1/α) + ½ ln((V+τ²)/V) ),

which is the two-sided normal mixture of Howard, Ramdas, McAuliffe & Sekhon, "Time-uniform,
nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49, 2021. Exact when sums
are sub-Gaussian with proxy V; with an estimated V it holds asymptotically (Waudby-Smith, Arbour,
Sinha, Kennedy & Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
Annals of Statistics 52, 2024), which is why the callers ask for a fewest number of requests.
"""

import math

import numpy as np
from scipy.special import lambertw

from models.features.records import F64


def radius(variance: F64, mixing: F64, alpha: float) -> F64:
    """Infinite where nothing is known of the variance, or it is zero."""
    known = np.isfinite(variance) & (variance > 0.0)
    v = np.where(known, variance, 1.0)
    spread = 2.0 * v * (v + mixing) / mixing
    found = np.sqrt(spread * (math.log(1.0 / alpha) + 0.5 * np.log((v + mixing) / v)))
    return np.where(known, found, np.inf)


def mixing_for(error: F64 | float, alpha: float) -> F64:
    """τ² for which the radius is smallest, in standard errors, when the standard error is `error`:
    τ²/V = −W₋₁(−α²/e) − 1 (Howard et al. 2021, section 3)."""
    ratio = -float(lambertw(-(alpha**2) / math.e, -1).real) - 1.0
    found: F64 = ratio * np.square(np.asarray(error))
    return found


def bounded_radius(count: F64, tightest_at: int, alpha: float) -> F64:
    """Of a mean of `count` numbers between 0 and 1, which are sub-Gaussian with proxy ¼
    (Hoeffding): exact, whatever their distribution."""
    mixing = mixing_for(0.5 / math.sqrt(tightest_at), alpha)
    with np.errstate(divide="ignore"):
        return radius(0.25 / count, mixing, alpha)
