"""More harm is more evidence of it, and no harm is proven as such."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.rollout.guardrails.comparisons import COMPARISONS
from server.rollout.guardrails.finding import Finding
from server.rollout.guardrails.layout import COMPARED, DEGRADATIONS, DEGRADED, ERRORS, EXPECTED
from server.rollout.guardrails.plan import GUARDRAILS, Plan
from server.rollout.guardrails.sums import Sums
from tests.server.rollout.guardrails.counted import counted

PLAN = Plan()
ALPHA = 0.001
STABLE = counted(requests=100_000, seed=1)


def found(name: str, canary: Sums, stable: Sums = STABLE) -> Finding:
    return COMPARISONS[name](stable, canary, PLAN, ALPHA)


@pytest.mark.parametrize("name", GUARDRAILS)
def test_canary_like_the_stable_lane_breaches_nothing(name: str) -> None:
    assert not found(name, counted()).breached


@pytest.mark.parametrize("name", sorted(set(GUARDRAILS) - {"clicks", "value"}))
def test_canary_like_the_stable_lane_is_proven_so(name: str) -> None:
    assert found(name, counted(requests=40_000)).proven


@pytest.mark.parametrize("name", ["clicks", "value"])
def test_few_per_cent_of_clicks_are_proven_by_much_traffic(name: str) -> None:
    stable = counted(requests=2_000_000, seed=1)
    assert not found(name, counted(requests=20_000), stable).proven
    assert found(name, counted(requests=1_000_000), stable).proven


@pytest.mark.parametrize("name", GUARDRAILS)
def test_empty_sums_neither_breach_nor_prove(name: str) -> None:
    for stable in (Sums(), STABLE):
        each = found(name, Sums(), stable)
        assert not each.breached
        assert not each.proven
    assert not found(name, counted(), Sums()).breached


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_more_errors_are_never_less_evidence(one: int, other: int) -> None:
    lows = []
    for errors in sorted((one, other)):
        canary = counted(requests=2_000)
        canary.one(ERRORS)[...] = errors
        lows.append(float(found("errors", canary).low))
    assert lows == sorted(lows)


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        ("inference", [{"slower": factor} for factor in (1.0, 1.3, 1.6, 2.2)]),
        ("total_p99", [{"slower": factor} for factor in (1.0, 1.5, 2.2, 3.0)]),
        ("scores", [{"score": score} for score in (-3.0, -2.5, -2.0, -1.0)]),
        ("agreement", [{"top_k": share} for share in (0.8, 0.5, 0.2, 0.05)]),
        ("coverage", [{"coverage": share} for share in (0.5, 0.45, 0.3, 0.0)]),
        ("clicks", [{"ctr": rate} for rate in (0.2, 0.18, 0.1, 0.0)]),
        ("value", [{"ctr": rate} for rate in (0.2, 0.18, 0.1, 0.0)]),
        ("calibration", [{"expected": p} for p in (0.2, 0.25, 0.4, 0.8)]),
        ("calibration", [{"expected": p} for p in (0.2, 0.15, 0.1, 0.05)]),
    ],
)
def test_more_harm_is_more_evidence_on_average(name: str, worse: list[dict[str, Any]]) -> None:
    def low(fields: dict[str, Any]) -> float:
        lows = [found(name, counted(5_000, **fields, seed=seed)).low for seed in (5, 6, 7)]
        return float(np.mean(lows))

    lows = [low(fields) for fields in worse]
    assert lows == sorted(lows)
    assert found(name, counted(5_000, **worse[-1])).breached


@pytest.mark.parametrize("stage", DEGRADED)
def test_each_class_of_degradation_is_judged_by_itself(stage: str) -> None:
    canary = counted()
    canary.many(DEGRADATIONS)[DEGRADED.index(stage)] = 1_000.0
    breached = [name for name in GUARDRAILS if found(name, canary).breached]
    assert breached == [f"degraded_{stage}"]


def test_harm_is_within_its_interval() -> None:
    for name in set(GUARDRAILS) - {"scores"}:
        each = found(name, counted(slower=1.1, ctr=0.19))
        assert each.low <= each.harm <= each.high, name


def test_canary_that_mends_the_calibration_does_no_harm() -> None:
    stable = counted(requests=100_000, expected=0.4, seed=1)
    each = found("calibration", counted(expected=0.2), stable)
    assert float(each.stable) == pytest.approx(2.0, rel=0.05)
    assert float(each.harm) == 0.0
    assert not each.breached


def test_labels_missing_in_both_lanes_do_not_count_against_the_canary() -> None:
    stable, canary = counted(requests=100_000, ctr=0.1, seed=1), counted(ctr=0.1)
    assert float(found("calibration", canary, stable).canary) == pytest.approx(2.0, rel=0.1)
    assert not found("calibration", canary, stable).breached


def test_too_few_clicks_due_are_no_evidence() -> None:
    canary = counted(requests=1_000, ctr=0.0)
    stable = counted(requests=9_000, ctr=0.001)
    assert found("clicks", canary, stable).low == -np.inf
    assert not found("calibration", canary, stable).breached


def test_without_a_cache_there_is_no_coverage_to_lose() -> None:
    stable = counted(coverage=0.0, seed=1)
    assert found("coverage", counted(coverage=0.0), stable).proven


def test_canary_without_hints_is_found_where_all_have_the_same_coverage() -> None:
    stable = counted(coverage=1.0, seed=1)
    assert found("coverage", counted(requests=2_000, coverage=0.0), stable).breached


def test_canary_without_predictions_breaches_nothing_by_division() -> None:
    canary = counted()
    canary.grouped(EXPECTED)[...] = 0.0
    canary.one(COMPARED)[...] = 0.0
    assert not found("calibration", canary).breached
    assert not found("agreement", canary).breached
