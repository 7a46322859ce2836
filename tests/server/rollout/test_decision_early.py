"""What follows before the candidate answers anybody."""

from typing import Any

import pytest

from cache.standing import Standing
from server.rollout.guardrails.layout import TOTAL
from server.rollout.state import FILLING, JUDGING
from tests.server.rollout.guardrails.counted import counted
from tests.server.rollout.states import (
    BEGUN,
    CANARY,
    FILLED,
    NOW_MS,
    SHADOWING,
    after,
    planned,
    presence,
)

STABLE = counted(requests=100_000, seed=1)
WORSE = counted(requests=20_000, top_k=0.05)
FILLS = SHADOWING.replace(step=FILLING)


def test_candidate_that_all_have_opened_is_shadowed() -> None:
    then = after(BEGUN, fleet=(presence(), presence(host="i")))
    assert (then.stage, then.step) == ("shadowing", JUDGING)
    assert then.reason == "2 gateways have opened it"
    assert (then.by, then.stable, then.candidate, then.rollout) == ("controller", "/a", "/b", "r")


def test_space_of_its_own_is_filled_before_anything_is_judged() -> None:
    then = after(BEGUN, fleet=(presence(), presence(fills=True)))
    assert (then.stage, then.step) == ("shadowing", FILLING)


@pytest.mark.parametrize(
    "other",
    [
        {"candidate_state": "opening"},
        {"candidate_state": "absent"},
        {"revision": 6},
        {"candidate": "/before"},
    ],
)
def test_candidate_waits_for_the_last_gateway_but_not_for_a_dead_one(other: dict[str, Any]) -> None:
    assert after(BEGUN, fleet=(presence(), presence(**other))) is BEGUN
    gone = presence(**other, seen_ms=NOW_MS - 5_001)
    assert after(BEGUN, fleet=(presence(), gone)).stage == "shadowing"


def test_candidate_that_is_not_open_in_time_is_given_up_with_the_place() -> None:
    fleet = (presence(), presence(host="slow", candidate_state="opening", detail="warming up"))
    assert after(BEGUN, fleet=fleet, elapsed_s=600) is BEGUN
    then = after(BEGUN, fleet=fleet, elapsed_s=601)
    assert then.stage == "rolled_back"
    assert then.reason.endswith("after 600 s: slow, process 5: opening warming up")


def test_without_a_gateway_everything_stays() -> None:
    dead = presence(seen_ms=NOW_MS - 60_000)
    assert after(BEGUN, fleet=(dead,), elapsed_s=10_000) is BEGUN


def test_failure_of_the_rollout_before_is_not_this_ones() -> None:
    failed = presence(candidate_state="failed", revision=6)
    assert after(BEGUN, fleet=(failed,)) is BEGUN


def test_space_is_filled_when_no_more_than_the_gap_would_be_lost() -> None:
    assert after(FILLS, window=FILLED._replace(ready=8_700)) is FILLS
    assert after(FILLS, window=FILLED._replace(seen=9_999)) is FILLS
    then = after(FILLS, window=FILLED)
    assert (then.stage, then.step) == ("shadowing", JUDGING)
    assert then.tally != FILLS.tally
    assert then.reason.startswith("filled: coverage 0.890, 0.010 less")


def test_space_needs_its_mark_whatever_is_held() -> None:
    marked = planned(FILLS, mark=0.9)
    assert after(marked, window=FILLED) is marked


def test_scores_without_hints_are_not_judged_while_the_space_fills() -> None:
    assert after(FILLS, stable=STABLE, canary=WORSE, elapsed_s=600) is FILLS


def test_space_that_never_fills_is_given_up() -> None:
    then = after(FILLS, window=Standing(10_000, 9_000, 10), elapsed_s=3601)
    assert (then.stage, then.reason[:37]) == (
        "rolled_back",
        "the space was not filled in 3600 s: c",
    )


def test_shadow_like_the_stable_lane_becomes_the_canary() -> None:
    told = {"stable": counted(requests=200, seed=1), "canary": counted(requests=200)}
    assert after(SHADOWING, **told, elapsed_s=59) is SHADOWING
    then = after(SHADOWING, **told, elapsed_s=60)
    assert (then.stage, then.step, then.share) == ("canary", 0, 0.01)


def test_shadow_of_few_requests_waits_and_is_given_up_in_the_end() -> None:
    told = {"stable": counted(requests=199, seed=1), "canary": counted(requests=199)}
    assert after(SHADOWING, **told, elapsed_s=3600) is SHADOWING
    then = after(SHADOWING, **told, elapsed_s=3601)
    assert then.stage == "rolled_back"
    assert then.reason == "too few in 3600 s: 199 shadowed requests, not 200"


@pytest.mark.parametrize(
    ("fields", "by"),
    [({"top_k": 0.02}, "agreement"), ({"score": 3.0}, "scores"), ({"coverage": 0.1}, "coverage")],
)
def test_shadow_that_differs_too_much_never_gets_traffic(fields: dict[str, float], by: str) -> None:
    shadow = counted(requests=2_000, **fields)  # type: ignore[arg-type]
    then = after(SHADOWING, stable=counted(requests=2_000, seed=1), canary=shadow)
    assert (then.stage, then.reason.partition(":")[0]) == ("rolled_back", by)


def test_shadow_may_be_slow_for_nobody_waits_for_it() -> None:
    slow = counted(requests=200)
    slow.many(TOTAL)[...] = counted(requests=200, slower=100.0).many(TOTAL)
    told = {"stable": counted(requests=200, seed=1), "canary": slow, "elapsed_s": 60.0}
    assert after(SHADOWING, **told).stage == "canary"
    assert after(CANARY, **told).reason.startswith("late_limit: canary")


def test_shadow_of_a_slower_model_is_rolled_back() -> None:
    slow = counted(requests=200, slower=1.5)
    decided = after(SHADOWING, stable=counted(requests=200, seed=1), canary=slow, elapsed_s=60.0)
    assert decided.stage == "rolled_back"
    assert decided.reason.startswith("inference: canary 1.")
