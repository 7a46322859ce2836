"""Limits that need no statistics: what no canary may do, found within a few requests."""

from collections.abc import Mapping

import numpy as np

from models.features.records import F64, Mask
from server.rollout.guardrails.layout import (
    CONSTANT,
    ERRORS,
    LATENCY_EDGES_S,
    NAN,
    REQUESTS,
    TOTAL,
)
from server.rollout.guardrails.plan import Limit, Plan
from server.rollout.guardrails.sums import Sums

LIMITS = ("error_limit", "nan_limit", "constant_limit", "late_limit")


def passed(stable: Sums, canary: Sums, plan: Plan) -> Mapping[str, Mask]:
    """By limit, whether the canary is past it."""
    limits = (plan.error_limit, plan.nan_limit, plan.constant_limit, plan.late_limit)
    ours, theirs = (limited(each, plan.budget_ms) for each in (canary, stable))
    requests = canary.one(REQUESTS), stable.one(REQUESTS)
    return {
        name: _is_past(limit, (ours[name], theirs[name]), requests)
        for name, limit in zip(LIMITS, limits, strict=True)
    }


def limited(sums: Sums, budget_ms: float) -> Mapping[str, F64]:
    """Requests that each limit counts."""
    counted = (sums.one(ERRORS), sums.one(NAN), sums.one(CONSTANT), _late(sums, budget_ms / 1e3))
    return dict(zip(LIMITS, counted, strict=True))


def _late(sums: Sums, budget_s: float) -> F64:
    """Of the buckets that lie past the budget as a whole."""
    first = int(np.searchsorted(LATENCY_EDGES_S, budget_s)) + 1
    found: F64 = sums.many(TOTAL)[..., first:].sum(axis=-1)
    return found


def _is_past(limit: Limit, counts: tuple[F64, F64], requests: tuple[F64, F64]) -> Mask:
    share, other = (
        count / np.maximum(total, 1.0) for count, total in zip(counts, requests, strict=True)
    )
    return np.asarray(
        (counts[0] >= limit.requests) & (share >= limit.share) & (2.0 * other < share)
    )
