"""The verdict that a stage of a rollout asks for."""

import numpy as np

from server.rollout.guardrails.layout import REQUESTS
from server.rollout.guardrails.limits import limited, passed
from server.rollout.guardrails.plan import Limit, Plan
from server.rollout.guardrails.sums import Sums
from server.rollout.guardrails.verdict import Figures, Verdict, judge
from server.rollout.plan import NEVER
from server.rollout.state import JUDGING, State


def verdict_of(state: State, stable: Sums, canary: Sums) -> Verdict | None:
    """None where nothing is counted."""
    plan = state.plan
    if state.stage == "shadowing":
        if plan.is_judged and state.step == JUDGING and not state.is_paused:
            return judge(stable, canary, plan.shadow_guardrails)
        unhurried = plan.guardrails.model_copy(update={"late_limit": NEVER})
        return judge_limits(stable, canary, unhurried)
    if state.stage != "canary":
        return None
    if plan.is_judged and state.share < 1.0 and not state.is_paused:
        return judge(stable, canary, plan.canary_guardrails)
    return judge_limits(stable, canary, plan.guardrails)


def judge_limits(stable: Sums, canary: Sums, plan: Plan) -> Verdict:
    """Without statistics: go on, or roll back."""
    past = passed(stable, canary, plan)
    by = next((name for name, is_past in past.items() if is_past), None)
    figures = {name: _figures(name, stable, canary, plan) for name in past}
    requests = int(canary.one(REQUESTS))
    return Verdict("rollback" if by else "continue", by, requests, (), figures)


def told(verdict: Verdict) -> str:
    """What rolls back, and by how much."""
    figures = verdict.figures[verdict.by or ""]
    sides = f"canary {_number(figures.canary)}, stable {_number(figures.stable)}"
    least = "" if figures.low is None else f", at least {figures.low:.3g} worse"
    return (
        f"{verdict.by}: {sides}{least}, tolerated {figures.margin:g}, "
        f"after {verdict.requests:,} requests"
    )


def _figures(name: str, stable: Sums, canary: Sums, plan: Plan) -> Figures:
    ours, theirs = (
        float(limited(each, plan.budget_ms)[name] / np.maximum(each.one(REQUESTS), 1.0))
        for each in (canary, stable)
    )
    limit: Limit = getattr(plan, name)
    return Figures(ours, theirs, ours, None, None, limit.share, 0.0)


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"
