"""Each guardrail as a comparison of the sums of two lanes, at its part of α.

A confidence sequence of each lane at α/2 makes one of their difference, or quotient, at α.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np

from models.features.records import F64, Mask
from server.rollout.guardrails.finding import Finding
from server.rollout.guardrails.layout import (
    ANSWERED,
    COMPARED,
    DEGRADATIONS,
    DEGRADED,
    ERRORS,
    HINTED,
    HINTED_SQUARED,
    RATIO_EDGES,
    RATIOS,
    REQUESTS,
    SCORES,
    TOP_K,
    TOTAL,
    Part,
)
from server.rollout.guardrails.mixture import bounded_radius
from server.rollout.guardrails.outcomes import calibration, clicks, value
from server.rollout.guardrails.plan import GUARDRAILS, Plan
from server.rollout.guardrails.quantiles import quantile, quantile_interval
from server.rollout.guardrails.rates import interval
from server.rollout.guardrails.ratios import Ratio, change, mean
from server.rollout.guardrails.shift import chance, log_evidence, psi
from server.rollout.guardrails.sums import Sums

Comparison = Callable[[Sums, Sums, Plan, float], Finding]
"""Of stable and canary sums."""
SHADOW_TIGHTEST_AT: Final = 200
SETTLED_NOISE: Final = 0.1
"""Scores that seem alike are, once chance moves the index by this share of its margin."""


def errors(stable: Sums, canary: Sums, plan: Plan, alpha: float) -> Finding:
    counts = [each.one(ERRORS) for each in (canary, stable)]
    return _rates(counts, [each.one(REQUESTS) for each in (canary, stable)], plan.errors, alpha)


def degraded(stage: int, stable: Sums, canary: Sums, plan: Plan, alpha: float) -> Finding:
    counts = [each.many(DEGRADATIONS)[..., stage] for each in (canary, stable)]
    answers = [each.one(REQUESTS) - each.one(ERRORS) for each in (canary, stable)]
    return _rates(counts, answers, plan.degraded, alpha)


def latency(part: Part, p: float, stable: Sums, canary: Sums, plan: Plan, alpha: float) -> Finding:
    """Harm: the quotient of the quantiles, less 1."""
    ours, theirs = canary.many(part), stable.many(part)
    mine, other = (quantile_interval(each, p, alpha / 2) for each in (ours, theirs))
    figures = quantile(ours, p), quantile(theirs, p)
    harm, low, high = (
        _quotient(*pair) - 1.0 for pair in (figures, (mine.low, other.high), (mine.high, other.low))
    )
    return Finding(*figures, harm, low, high, plan.p50 if p == 0.5 else plan.p99)


def inference(stable: Sums, canary: Sums, plan: Plan, alpha: float) -> Finding:
    """Harm: the median, over requests that both models ran, of the quotient of their times, less
    1. Of the canary's sums alone, which hold the quotients."""
    ratios = canary.many(RATIOS)
    held = ratios.sum(axis=-1) > 0.0
    found = quantile_interval(ratios, 0.5, alpha, RATIO_EDGES)
    figure = np.where(held, quantile(ratios, 0.5, RATIO_EDGES), 1.0)
    return Finding(
        figure, np.ones_like(figure), figure - 1.0, found.low - 1.0, found.high - 1.0, plan.p50
    )


def scores(stable: Sums, canary: Sums, plan: Plan, alpha: float) -> Finding:
    """Harm: the index. A shift must be both certain and large; its absence is not proven, but found
    where samples are large enough that chance moves the index little."""
    ours, theirs = canary.many(SCORES), stable.many(SCORES)
    index = psi(theirs, ours)
    certain = log_evidence(theirs, ours) >= math.log(1.0 / alpha)
    large = chance(theirs, ours) <= SETTLED_NOISE * plan.psi
    low, high = np.where(certain, index, 0.0), np.where(large, index, np.inf)
    return Finding(index, np.zeros_like(index), index, low, high, plan.psi)


def agreement(stable: Sums, canary: Sums, plan: Plan, alpha: float) -> Finding:
    """Harm: what the mean of shared first places lacks of 1. Of the canary's sums alone, which hold
    the requests whose orders tell something."""
    count = canary.one(COMPARED)
    shared = np.where(count > 0.0, canary.one(TOP_K) / np.maximum(count, 1.0), np.nan)
    reach = bounded_radius(count, SHADOW_TIGHTEST_AT, alpha)
    harm = np.where(count > 0.0, 1.0 - shared, 0.0)
    margin = 1.0 - plan.agreement
    return Finding(shared, np.ones_like(shared), harm, harm - reach, harm + reach, margin)


def coverage(stable: Sums, canary: Sums, plan: Plan, alpha: float) -> Finding:
    """Harm: the share of the stable lane's coverage that is lost."""
    mine, other = (_covered(each) for each in (canary, stable))
    found = change(mine, other, 1.0 - plan.coverage, alpha)
    few = _few(canary, plan) | _few(stable, plan) | (other.value == 0.0)
    # Without a cache there is none to lose.
    none = (other.value == 0.0) & ~_few(stable, plan)
    low = np.where(few, -np.inf, -found.high)
    high = np.where(none, 0.0, np.where(few, np.inf, -found.low))
    return Finding(mine.value, other.value, -found.value, low, high, plan.coverage)


def _covered(sums: Sums) -> Ratio:
    # As if one more request were half covered, half not: where all have the same coverage so far,
    # it is not known without error.
    squares = sums.one(HINTED_SQUARED) + 0.25
    return mean(sums.grouped(HINTED), sums.grouped(ANSWERED), squares)


def _few(sums: Sums, plan: Plan) -> Mask:
    return np.asarray(sums.grouped(ANSWERED).sum(axis=-1) < plan.fewest_settled)


def _rates(counts: list[F64], requests: list[F64], margin: float, alpha: float) -> Finding:
    """Harm: the difference of the rates."""
    (mine, other), (n, m) = counts, requests
    ours, theirs = interval(mine, n, alpha / 2), interval(other, m, alpha / 2)
    figures = mine / np.maximum(n, 1.0), other / np.maximum(m, 1.0)
    low, high = ours.low - theirs.high, ours.high - theirs.low
    return Finding(*figures, figures[0] - figures[1], low, high, margin)


def _quotient(one: F64, other: F64) -> F64:
    """0 where it says nothing from below, infinite where nothing from above."""
    bounded = np.isfinite(other) & (other > 0.0)
    open_end = np.where(np.isinf(other), 0.0, np.inf)
    return np.where(bounded, one / np.where(bounded, other, 1.0), open_end)


COMPARISONS: Final[Mapping[str, Comparison]] = MappingProxyType(
    {
        "errors": errors,
        **{f"degraded_{stage}": partial(degraded, at) for at, stage in enumerate(DEGRADED)},
        "total_p50": partial(latency, TOTAL, 0.5),
        "total_p99": partial(latency, TOTAL, 0.99),
        "inference": inference,
        "scores": scores,
        "agreement": agreement,
        "coverage": coverage,
        "calibration": calibration,
        "clicks": clicks,
        "value": value,
    }
)
assert tuple(COMPARISONS) == GUARDRAILS
