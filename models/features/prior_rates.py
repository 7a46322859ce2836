"""Scores when the model gives none: the last rung before shedding."""

import numpy as np

from models.features.counters import PRIOR_IMPRESSIONS
from models.features.records import F64


def prior_scores(counters: F64, prior_rates: tuple[float, ...]) -> F64:
    """`[N, 1 + T]` item counters → `[N, T]` smoothed rates; an unknown item gets the base rate."""
    shown, positive = counters[:, :1], counters[:, 1:]
    prior = np.array(prior_rates)
    rates: F64 = (positive + prior * PRIOR_IMPRESSIONS) / (shown + PRIOR_IMPRESSIONS)
    return rates
