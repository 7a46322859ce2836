"""Each rule of what follows from what."""

from typing import Any

import pytest

from server.rollout.decision import decide
from server.rollout.guardrails.layout import ERRORS, NAN, REQUESTS
from server.rollout.guardrails.sums import Sums
from server.rollout.plan import DIRECT
from server.rollout.state import FILLING, State
from tests.server.rollout.guardrails.counted import counted
from tests.server.rollout.states import (
    BEGUN,
    CANARY,
    FILLED,
    NOW_MS,
    SHADOWING,
    STAGES,
    after,
    evidence,
    planned,
    presence,
)

STABLE = counted(requests=100_000, seed=1)
LIKE_IT = counted(requests=20_000)
WORSE = counted(requests=20_000, top_k=0.05)
CLICKLESS = counted(requests=20_000, ctr=0.15)
FILLS = SHADOWING.replace(step=FILLING)
LAST = CANARY.replace(step=len(CANARY.plan.steps) - 1)


def broken(**parts: float) -> Sums:
    sums = counted(requests=40)
    for part, value in parts.items():
        sums.one({"nan": NAN, "errors": ERRORS}[part])[...] = value
    return sums


@pytest.mark.parametrize("stage", ["idle", "done", "rolled_back"])
def test_nothing_is_decided_where_nothing_runs(stage: Any) -> None:
    assert decide(BEGUN.replace(stage=stage), evidence(presence(candidate_state="failed"))) is None


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("is_paused", [False, True])
def test_gateway_that_cannot_have_the_candidate_ends_it_in_any_stage(
    stage: str, is_paused: bool
) -> None:
    failed = presence(candidate_state="failed", detail="golden answers differ")
    then = after(STAGES[stage].replace(is_paused=is_paused), fleet=(presence(), failed))
    assert (then.stage, then.step, then.is_paused) == ("rolled_back", 0, False)
    assert then.reason == f"{stage}: h, process 5: golden answers differ"
    assert (then.stable, then.candidate) == ("/a", "/b")


@pytest.mark.parametrize("stage", STAGES)
def test_gateway_that_opened_another_version_ends_it_in_any_stage(stage: str) -> None:
    state = STAGES[stage].replace(candidate_version="aaaa")
    fleet = (presence(candidate_version="aaaa"), presence(candidate_version="bbbb"))
    then = after(state, fleet=fleet)
    assert then.stage == "rolled_back"
    assert then.reason == f"{stage}: h, process 5: it has version bbbb, not aaaa"
    assert after(state, fleet=fleet[:1]).stage != "rolled_back"


@pytest.mark.parametrize("state", [FILLS, SHADOWING, CANARY, LAST])
@pytest.mark.parametrize("is_paused", [False, True])
@pytest.mark.parametrize("parts", [{"nan": 3.0}, {"errors": 10.0}])
def test_limit_acts_at_once_wherever_there_is_traffic(
    state: State, is_paused: bool, parts: dict[str, float]
) -> None:
    paused = state.replace(is_paused=is_paused)
    told = evidence(stable=counted(requests=400, seed=1), canary=broken(**parts))
    decided = decide(paused, told)
    assert decided is not None
    assert decided.state.stage == "rolled_back"
    assert decided.state.reason.startswith(next(iter(parts)).removesuffix("s"))
    assert decided.figures["kind"] == "rollback"


def test_guardrail_rolls_the_canary_back_with_its_figures() -> None:
    decided = decide(CANARY, evidence(stable=STABLE, canary=CLICKLESS))
    assert decided is not None
    assert decided.state.stage == "rolled_back"
    assert decided.state.reason == (
        "clicks: canary 0.149, stable 0.198, at least 0.171 worse, tolerated 0.03, "
        "after 20,000 requests"
    )
    assert decided.figures["by"] == "clicks"
    assert decided.figures["figures"]["clicks"]["low"] > 0.03


def test_agreement_is_no_matter_of_a_canary() -> None:
    assert after(CANARY, stable=STABLE, canary=WORSE, elapsed_s=1200).step == 1


def test_canary_goes_on_step_by_step_once_it_has_passed_and_lasted() -> None:
    state, shares = CANARY, []
    for _ in range(4):
        assert after(state, stable=STABLE, canary=LIKE_IT, elapsed_s=1199) is state
        shares.append(state.share)
        tally = state.tally
        state = after(state, stable=STABLE, canary=LIKE_IT, elapsed_s=1200)
        assert state.tally != tally
    assert (shares, state.share) == ([0.01, 0.05, 0.25, 0.5], 1.0)
    assert state.reason.endswith("after 20,000 requests, not proven: clicks, value")


def test_canary_that_is_undecided_stays_and_then_pauses_itself() -> None:
    told = {"stable": STABLE, "canary": counted(requests=3_000)}
    assert after(CANARY, **told, elapsed_s=86_400) is CANARY
    then = after(CANARY, **told, elapsed_s=86_401)
    assert (then.stage, then.is_paused, then.share) == ("canary", True, 0.01)
    assert "after 86400 s and 3,000 requests, not proven: errors" in then.reason


def test_least_time_may_differ_by_step() -> None:
    state = planned(CANARY, steps=(0.1, 1.0), least_s=(5.0, 50.0))
    then = after(state, stable=STABLE, canary=LIKE_IT, elapsed_s=5)
    assert (then.step, after(then, elapsed_s=49)) == (1, then)
    assert after(then, elapsed_s=50).stage == "done"


def test_last_step_has_nobody_to_compare_with_and_ends_by_time() -> None:
    assert after(LAST, canary=CLICKLESS, elapsed_s=1199) is LAST
    then = after(LAST, canary=CLICKLESS, elapsed_s=1200)
    assert (then.stage, then.stable, then.previous) == ("done", "/b", "/a")
    assert then.keep_until_ms == NOW_MS + 3_600_000


@pytest.mark.parametrize("state", [FILLS, SHADOWING, CANARY, LAST])
def test_paused_it_neither_goes_on_nor_is_judged_by_statistics(state: State) -> None:
    paused = state.replace(is_paused=True)
    for canary in (LIKE_IT, CLICKLESS, WORSE):
        told = {"stable": STABLE, "canary": canary, "window": FILLED, "elapsed_s": 1e6}
        assert after(paused, **told) is paused


def test_direct_plan_goes_from_a_filled_space_to_all_traffic_by_no_statistics() -> None:
    direct = BEGUN.replace(plan=DIRECT)
    state = after(direct, fleet=(presence(fills=True),))
    assert (state.stage, state.step) == ("shadowing", FILLING)
    state = after(state, window=FILLED, stable=STABLE, canary=WORSE)
    assert (state.stage, state.share) == ("canary", 1.0)
    state = after(state)
    assert (state.stage, state.stable) == ("done", "/b")


def test_direct_plan_waits_for_nothing_where_the_space_is_the_same() -> None:
    state, stages = BEGUN.replace(plan=DIRECT), []
    for _ in range(3):
        state = after(state)
        stages.append(state.stage)
    assert stages == ["shadowing", "canary", "done"]


def test_nothing_counted_is_no_reason() -> None:
    assert float(Sums().one(REQUESTS)) == 0.0
    assert after(CANARY, elapsed_s=10_000) is CANARY
