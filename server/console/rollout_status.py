"""A reading of a board, as /v1/rollouts tells it."""

import msgspec

from cache.rollout_board import Held
from server.rollout.guardrails.sums import Sums
from server.rollout.guardrails.verdict import Verdict
from server.rollout.presence import ALIVE_MS, Presence
from server.rollout.reading import Reading
from server.rollout.state import State
from server.rollout_wire import GatewayStatus, RolloutStatus, SpaceStanding


def status_of(model: str, reading: Reading, verdict: Verdict | None) -> RolloutStatus:
    held, state = reading.held, reading.state
    return RolloutStatus(
        model=model,
        is_following=True,
        rollout=state.rollout,
        stage=state.stage,
        step=state.step,
        steps=list(state.plan.steps),
        share=state.share,
        is_paused=state.is_paused,
        stable=state.stable,
        candidate=state.candidate,
        previous=state.previous,
        by=state.by,
        reason=state.reason,
        revision=held.revision,
        since_ms=held.since_ms,
        now_ms=held.now_ms,
        least_s=_least_s(state),
        most_s=_most_s(state),
        keep_until_ms=state.keep_until_ms,
        verdict=verdict,
        standing=_standing(reading),
        fleet=[_gateway(name, each, held.now_ms) for name, each in sorted(reading.fleet.items())],
    )


def last_known(model: str, last: RolloutStatus | None) -> RolloutStatus:
    """When nothing can be read: as it was, which every gateway keeps to."""
    if last is None:
        nothing = Reading(Held(0, 0, 0, None), State(), {}, Sums(), Sums())
        last = status_of(model, nothing, None)
    return msgspec.structs.replace(last, is_following=False)


def _least_s(state: State) -> float:
    plan = state.plan
    return {"canary": plan.least_s_of(state.step), "shadowing": plan.shadow_s}.get(state.stage, 0.0)


def _most_s(state: State) -> float:
    plan = state.plan
    lasts = {"verifying": plan.verify_s, "shadowing": plan.shadow_most_s, "canary": plan.most_s}
    return lasts.get(state.stage, 0.0)


def _standing(reading: Reading) -> SpaceStanding | None:
    """Of all that live and mirror."""
    told = [each for each in reading.fleet.values() if each.fills and each.seen]
    if not told:
        return None
    return SpaceStanding(
        sum(each.seen for each in told),
        sum(each.held for each in told),
        sum(each.ready for each in told),
    )


def _gateway(name: str, told: Presence, now_ms: int) -> GatewayStatus:
    silent_ms = max(0, now_ms - told.seen_ms)
    return GatewayStatus(
        gateway=name,
        host=told.host,
        pid=told.pid,
        is_alive=silent_ms <= ALIVE_MS,
        told_s_ago=silent_ms / 1000.0,
        revision=told.revision,
        stable_version=told.stable_version,
        candidate_version=told.candidate_version,
        candidate_state=told.candidate_state,
        detail=told.detail,
    )
