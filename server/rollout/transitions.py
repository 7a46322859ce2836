"""Every change that a rollout's state can undergo: from where, and to what."""

from typing import Final

from server.rollout.candidate import Candidate
from server.rollout.plan import RolloutPlan
from server.rollout.state import FILLING, JUDGING, Stage, State

MAX_REASON: Final = 1000


def started(
    state: State, to: Candidate, plan: RolloutPlan, rollout: str, by: str, reason: str
) -> State:
    begun = state.replace(
        candidate=to.where,
        candidate_version=to.version,
        plan=plan,
        rollout=rollout,
        is_paused=False,
    )
    return _changed(begun, "verifying", 0, by, reason)


def opened(state: State, fills: bool, by: str, reason: str) -> State:
    """All gateways have the candidate: its answers are compared, once its space is filled."""
    return _changed(state, "shadowing", FILLING if fills else JUDGING, by, reason)


def filled(state: State, by: str, reason: str) -> State:
    if not state.plan.is_judged:
        return _changed(state, "canary", 0, by, reason)
    return _changed(state, "shadowing", JUDGING, by, reason)


def advanced(state: State, now_ms: int, by: str, reason: str) -> State:
    """To the next step of the canary, the first after shadowing, done after the last. Whoever
    paused the one before did not pause this."""
    state = state.replace(is_paused=False)
    if state.stage != "canary":
        return _changed(state, "canary", 0, by, reason)
    if state.plan.is_last(state.step):
        return promoted(state, now_ms, by, reason)
    return _changed(state, "canary", state.step + 1, by, reason)


def promoted(state: State, now_ms: int, by: str, reason: str) -> State:
    """To the end. What answered before stays loaded for a while."""
    after = _ended(state, "done", by, reason)
    keep_until_ms = now_ms + round(state.plan.keep_s * 1000.0)
    return after.replace(
        stable=state.candidate,
        stable_version=state.candidate_version,
        previous=state.stable,
        previous_version=state.stable_version,
        keep_until_ms=keep_until_ms,
    )


def rolled_back(state: State, by: str, reason: str) -> State:
    """Once done, to what answered before."""
    after = _ended(state, "rolled_back", by, reason)
    if state.stage != "done":
        return after
    return after.replace(stable=state.previous, stable_version=state.previous_version)


def paused(state: State, by: str, reason: str) -> State:
    return state.replace(is_paused=True, by=by, reason=reason[:MAX_REASON])


def resumed(state: State, by: str, reason: str) -> State:
    return state.replace(is_paused=False, by=by, reason=reason[:MAX_REASON])


def _ended(state: State, stage: Stage, by: str, reason: str) -> State:
    return _changed(state, stage, 0, by, reason).replace(is_paused=False)


def _changed(state: State, stage: Stage, step: int, by: str, reason: str) -> State:
    return state.replace(stage=stage, step=step, by=by, reason=reason[:MAX_REASON], keep_until_ms=0)
