"""Verdicts by example."""

import msgspec
import numpy as np
import pytest

from server.rollout.guardrails.layout import CONSTANT, ERRORS, NAN, REQUESTS, TOTAL
from server.rollout.guardrails.plan import GUARDRAILS, Limit, Plan
from server.rollout.guardrails.sums import Sums
from server.rollout.guardrails.verdict import Verdict, judge
from tests.server.rollout.guardrails.counted import counted, latencies

PLAN = Plan()
STABLE = counted(requests=100_000, seed=1)


def judged(canary: Sums, stable: Sums = STABLE, plan: Plan = PLAN) -> Verdict:
    return judge(stable, canary, plan)


def test_nothing_counted_goes_on_with_all_unproven() -> None:
    verdict = judged(Sums(), Sums())
    assert (verdict.kind, verdict.by, verdict.requests) == ("continue", None, 0)
    assert verdict.unproven == GUARDRAILS


def test_canary_like_the_stable_lane_goes_on_until_the_last_request_and_then_passes() -> None:
    assert judged(counted(requests=5_000)).kind == "continue"
    verdict = judged(counted(requests=PLAN.most_requests))
    assert verdict.kind == "pass"
    assert {"clicks", "value"} <= set(verdict.unproven)


def test_canary_passes_early_once_all_that_is_asked_is_proven() -> None:
    plan = Plan(weights=dict.fromkeys(set(GUARDRAILS) - {"total_p50", "agreement"}, 0.0))
    verdict = judged(counted(requests=5_000), plan=plan)
    assert (verdict.kind, verdict.unproven) == ("pass", ())
    assert judged(counted(requests=1_900), plan=plan).kind == "continue"


@pytest.mark.parametrize(
    ("fields", "by"),
    [
        ({"slower": 1.5}, "total_p50"),
        ({"score": -1.0}, "scores"),
        ({"top_k": 0.05}, "agreement"),
        ({"coverage": 0.3}, "coverage"),
        ({"expected": 0.4}, "calibration"),
        ({"ctr": 0.17}, "clicks"),
    ],
)
def test_harm_rolls_back_by_the_guardrail_that_watches_for_it(
    fields: dict[str, float], by: str
) -> None:
    verdict = judged(counted(**fields))  # type: ignore[arg-type]
    assert (verdict.kind, verdict.by) == ("rollback", by)
    figures = verdict.figures[by]
    assert figures.low is not None
    assert figures.low > figures.margin


def test_guardrail_that_is_off_rolls_nothing_back() -> None:
    plan = Plan(weights={"agreement": 0.0})
    verdict = judged(counted(top_k=0.0), plan=plan)
    assert verdict.kind == "pass"
    assert "agreement" not in verdict.figures


@pytest.mark.parametrize(
    ("part", "count", "by"),
    [(ERRORS, 5, "error_limit"), (NAN, 3, "nan_limit"), (CONSTANT, 10, "constant_limit")],
)
def test_limit_acts_within_a_few_requests(part: tuple[int, int], count: int, by: str) -> None:
    canary = counted(requests=40)
    plan = Plan(weights={"errors": 0.0})
    canary.held[part[0]] = count
    assert judged(canary, plan=plan).by == by
    canary.held[part[0]] = count - 1
    assert judged(canary, plan=plan).kind == "continue"


def test_what_befalls_both_lanes_is_not_the_canarys_doing() -> None:
    canary, stable = counted(requests=40), counted(requests=400, seed=1)
    canary.one(NAN)[...] = 10
    stable.one(NAN)[...] = 100
    assert judged(canary, stable).kind == "continue"


def test_answers_past_the_budget_pass_a_limit_and_those_just_within_do_not() -> None:
    within, past = counted(requests=40), counted(requests=40)
    within.many(TOTAL)[...] = latencies(np.full(40, 0.0999))
    past.many(TOTAL)[...] = latencies(np.full(40, 0.12))
    plan = Plan(weights={"total_p50": 0.0, "total_p99": 0.0})
    assert judged(past, plan=plan).by == "late_limit"
    assert judged(within, plan=plan).kind == "continue"


def test_limits_are_the_plans() -> None:
    canary = counted(requests=1_000)
    canary.one(ERRORS)[...] = 3
    plan = Plan(error_limit=Limit(requests=3, share=0.001))
    assert judged(canary, plan=plan).by == "error_limit"
    assert judged(canary).kind == "continue"


def test_verdict_can_be_sent_as_json_and_shows_the_part_of_alpha() -> None:
    verdict = judged(counted())
    back = msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict)
    assert back == verdict
    spent = sum(each.alpha for each in verdict.figures.values())
    assert spent == pytest.approx(PLAN.alpha)
    assert verdict.figures["error_limit"].alpha == 0.0


def test_verdict_depends_on_sums_alone_however_they_were_merged() -> None:
    parts = [counted(requests=3_000, seed=seed) for seed in range(3)]
    merged = Sums()
    for part in reversed(parts):
        merged += part
    assert float(merged.one(REQUESTS)) == 9_000
    assert judged(merged) == judged(parts[0] + parts[1] + parts[2])
