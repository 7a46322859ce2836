"""The guardrails that wait for labels: clicks, value and calibration.

Only settled requests count, so that both lanes lack the same labels: none.
"""

import numpy as np

from models.features.records import F64, Mask
from server.rollout.guardrails.finding import Finding
from server.rollout.guardrails.layout import (
    CLICKS,
    CLICKS_SQUARED,
    EXPECTED,
    SETTLED,
    SPREAD,
    VALUE,
    VALUE_SQUARED,
    Part,
)
from server.rollout.guardrails.plan import Plan
from server.rollout.guardrails.ratios import Change, Ratio, change, mean, ratio
from server.rollout.guardrails.sums import Sums


def clicks(stable: Sums, canary: Sums, plan: Plan, alpha: float) -> Finding:
    """Harm: the share of the stable lane's clicks a request that is lost."""
    return _lost(CLICKS, CLICKS_SQUARED, stable, canary, plan, plan.clicks, alpha)


def value(stable: Sums, canary: Sums, plan: Plan, alpha: float) -> Finding:
    return _lost(VALUE, VALUE_SQUARED, stable, canary, plan, plan.value, alpha)


def calibration(stable: Sums, canary: Sums, plan: Plan, alpha: float) -> Finding:
    """Harm: the factor between the lanes' Σp ÷ Σy, the larger by the smaller, less 1. A canary
    whose own is nearer to 1 than the stable lane's does none: it mends what is wrong there."""
    mine, other = _clicks_per_expected(canary), _clicks_per_expected(stable)
    edge, half = 1.0 + plan.calibration, alpha / 2
    over = change(mine, other, 1.0 / edge, half)  # Σp too large: fewer clicks than it expects
    under = change(mine, other, edge, half)
    harm, low = _factor(over.value, over.value), _factor(under.low, over.high)
    high = _factor(under.high, over.low)
    better = np.abs(_log(mine.value)) <= np.abs(_log(other.value))
    low, high = _where_known(better, low, high, stable, canary, plan)
    shown = _inverse(mine.value), _inverse(other.value)
    return Finding(*shown, np.where(better, 0.0, harm), low, high, plan.calibration)


def _where_known(
    better: Mask, low: F64, high: F64, stable: Sums, canary: Sums, plan: Plan
) -> tuple[F64, F64]:
    few = _few(stable, canary, plan)
    return np.where(few | better, 0.0, low), np.where(few, np.inf, high)


def _factor(rise: F64, fall: F64) -> F64:
    """How far the larger of two departures from 1 goes, as a factor less 1."""
    with np.errstate(divide="ignore"):
        down = np.where(fall > -1.0, 1.0 / (1.0 + np.maximum(fall, -1.0)), np.inf)
    found: F64 = np.maximum(np.maximum(1.0 + rise, down) - 1.0, 0.0)
    return found


def _lost(
    column: int,
    squares: Part,
    stable: Sums,
    canary: Sums,
    plan: Plan,
    margin: float,
    alpha: float,
) -> Finding:
    mine, other = (
        mean(each.grouped(column), each.grouped(SETTLED), each.one(squares))
        for each in (canary, stable)
    )
    found: Change = change(mine, other, 1.0 - margin, alpha)
    few = _few(stable, canary, plan)
    low, high = np.where(few, -np.inf, -found.high), np.where(few, np.inf, -found.low)
    return Finding(mine.value, other.value, -found.value, low, high, margin)


def _clicks_per_expected(sums: Sums) -> Ratio:
    """Its inverse is Σp ÷ Σy, which a canary without a click would not have."""
    return ratio(sums.grouped(CLICKS), sums.grouped(EXPECTED), sums.one(SPREAD))


def _few(stable: Sums, canary: Sums, plan: Plan) -> Mask:
    """Whether the normal approximation cannot be relied on yet."""
    settled, others = (each.grouped(SETTLED).sum(axis=-1) for each in (canary, stable))
    clicked = stable.grouped(CLICKS).sum(axis=-1)
    due = settled * clicked / np.maximum(others, 1.0)
    enough = (np.minimum(settled, others) >= plan.fewest_settled) & (
        np.minimum(due, clicked) >= plan.fewest_clicks
    )
    return np.asarray(~enough)


def _log(ratio: F64) -> F64:
    return np.where(ratio > 0.0, np.log(np.where(ratio > 0.0, ratio, 1.0)), -np.inf)


def _inverse(ratio: F64) -> F64:
    return np.where(ratio > 0.0, 1.0 / np.where(ratio > 0.0, ratio, 1.0), np.inf)
