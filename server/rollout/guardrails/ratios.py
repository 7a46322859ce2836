"""A ratio of sums, Σx ÷ Σw, compared between two lanes.

Clicks and value a request, coverage a request, and clicks for each expected click are all of this
form. Requests of one user depend on each other, and the lane is drawn by user, so the variance is
that between GROUPS random groups of users, by the delta method for a ratio (Deng, Knoblich & Lu,
"Applying the Delta Method in Metric Analytics", KDD 2018, section 3; random groups: Wolter,
"Introduction to Variance Estimation", chapter 2):

    V = G/(G−1) · Σ_g (x_g − r·w_g)² ÷ W²,   but at least the variance of independent requests, and
                                              at least what the stable lane's is for a unit of w.

The two floors matter while the canary has few groups with anything in them, or no click at all.
"""

from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64
from server.rollout.guardrails.layout import GROUPS
from server.rollout.guardrails.mixture import mixing_for, radius

TIGHTEST_ERROR: Final = 0.1
"""Standard error, as a share of the stable ratio, at which the boundary is tightest: that of the
first few thousand requests, where harm has to be caught."""


class Ratio(NamedTuple):
    value: F64  # […] Σx ÷ Σw, 0 where w is
    weight: F64  # Σw
    variance: F64  # infinite where nothing is known


class Change(NamedTuple):
    """The canary's ratio as a multiple of the stable one, less 1."""

    value: F64
    low: F64
    high: F64


def ratio(x: F64, w: F64, within: F64) -> Ratio:
    """Of `[…, GROUPS]`. `within` is the variance of Σx − r·Σw were all requests independent."""
    weight = w.sum(axis=-1)
    safe = np.where(weight > 0.0, weight, 1.0)
    value = x.sum(axis=-1) / safe
    residual = x - value[..., None] * w
    between = GROUPS / (GROUPS - 1) * (residual**2).sum(axis=-1)
    variance = np.where(weight > 0.0, np.maximum(between, within) / safe**2, np.inf)
    return Ratio(value, weight, variance)


def mean(x: F64, w: F64, squares: F64) -> Ratio:
    """The same where w counts requests and `squares` is their Σx²."""
    return ratio(x, w, squares - x.sum(axis=-1) ** 2 / np.maximum(w.sum(axis=-1), 1.0))


def change(canary: Ratio, stable: Ratio, at: float, alpha: float) -> Change:
    """A confidence sequence, exact where the canary is `at` times the stable ratio: whether its low
    or its high end passes `at` − 1 is the test of the difference canary − at · stable."""
    usable = (stable.value > 0.0) & (canary.weight > 0.0)
    scale = np.where(usable, stable.value, 1.0)
    canary_weight = np.where(usable, canary.weight, 1.0)
    least = np.where(usable, stable.variance, 0.0) * stable.weight / canary_weight
    variance = np.maximum(canary.variance, least) + at**2 * stable.variance
    mixing = mixing_for(TIGHTEST_ERROR * scale, alpha)
    reach = np.where(usable, radius(variance, mixing, alpha) / scale, np.inf)
    found = np.where(usable, canary.value / scale - 1.0, 0.0)
    return Change(found, found - reach, found + reach)
