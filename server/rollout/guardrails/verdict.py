"""Go on, pass, or roll back: what the sums of two lanes decide, and by which guardrail."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct

from models.features.records import F64, Mask
from server.rollout.guardrails.comparisons import COMPARISONS
from server.rollout.guardrails.finding import Finding
from server.rollout.guardrails.layout import REQUESTS
from server.rollout.guardrails.limits import limited, passed
from server.rollout.guardrails.plan import GUARDRAILS, Limit, Plan
from server.rollout.guardrails.sums import Sums

Kind = Literal["continue", "pass", "rollback"]


class Figures(Struct, frozen=True):
    """One guardrail's, as in Finding; None where nothing is known on that side."""

    canary: float | None
    stable: float | None
    harm: float | None
    low: float | None
    high: float | None
    margin: float
    alpha: float
    """0 for a limit, which is no statistic."""


class Verdict(Struct, frozen=True):
    kind: Kind
    by: str | None
    """The guardrail or limit that rolls back."""
    requests: int
    """Of the canary."""
    unproven: tuple[str, ...]
    """Guardrails that have not shown the canary to be within their margin."""
    figures: dict[str, Figures]


class Assessment(NamedTuple):
    """Of many canaries at once."""

    limits: Mapping[str, Mask]
    findings: Mapping[str, Finding]
    requests: F64


def assess(stable: Sums, canary: Sums, plan: Plan) -> Assessment:
    on = {name: plan.alpha_of(name) for name in GUARDRAILS if plan.alpha_of(name) > 0.0}
    findings = {name: COMPARISONS[name](stable, canary, plan, alpha) for name, alpha in on.items()}
    return Assessment(passed(stable, canary, plan), findings, canary.one(REQUESTS))


def judge(stable: Sums, canary: Sums, plan: Plan) -> Verdict:
    """Of the sums of one ramp step, both since its start: at another share of traffic the lanes
    would be compared over different times of day. May be asked as often as one likes; the first
    `rollback` is to be acted upon."""
    found = assess(stable, canary, plan)
    by = next((name for name, past in breaches(found).items() if past), None)
    unproven = tuple(name for name, each in found.findings.items() if not each.proven)
    requests = int(found.requests)
    kind = "rollback" if by else _kind(requests, unproven, plan)
    return Verdict(kind, by, requests, unproven, _figures(stable, canary, plan, found))


def breaches(found: Assessment) -> Mapping[str, Mask]:
    """By limit and guardrail, in the order in which they are asked."""
    return {**found.limits, **{name: each.breached for name, each in found.findings.items()}}


def _kind(requests: int, unproven: tuple[str, ...], plan: Plan) -> Kind:
    if requests >= plan.most_requests or (requests >= plan.fewest_requests and not unproven):
        return "pass"
    return "continue"


def _figures(stable: Sums, canary: Sums, plan: Plan, found: Assessment) -> dict[str, Figures]:
    limits = {name: _limit(name, stable, canary, plan) for name in found.limits}
    tested = {name: _told(each, plan.alpha_of(name)) for name, each in found.findings.items()}
    return limits | tested


def _told(found: Finding, alpha: float) -> Figures:
    canary, stable, harm = _finite(found.canary), _finite(found.stable), _finite(found.harm)
    low, high = _finite(found.low), _finite(found.high)
    return Figures(canary, stable, harm, low, high, found.margin, alpha)


def _limit(name: str, stable: Sums, canary: Sums, plan: Plan) -> Figures:
    ours, theirs = (_share(each, name, plan) for each in (canary, stable))
    limit: Limit = getattr(plan, name)
    return Figures(ours, theirs, ours, None, None, limit.share, 0.0)


def _share(sums: Sums, limit: str, plan: Plan) -> float:
    return float(limited(sums, plan.budget_ms)[limit] / np.maximum(sums.one(REQUESTS), 1.0))


def _finite(value: F64) -> float | None:
    return float(value) if np.isfinite(value) else None
