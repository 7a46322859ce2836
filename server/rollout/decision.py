"""What follows from what gateways tell: whether a rollout stays, goes on, or is rolled back."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from cache.standing import Standing
from server.rollout.filling import is_filled
from server.rollout.guardrails.sums import Sums
from server.rollout.guardrails.verdict import Verdict
from server.rollout.judging import told, verdict_of
from server.rollout.presence import Presence, alive
from server.rollout.state import FILLING, State
from server.rollout.transitions import advanced, filled, opened, paused, rolled_back

BY: Final = "controller"


class Evidence(NamedTuple):
    revision: int  # of the state
    since_ms: int  # its last change; by the server's time, as is the next
    now_ms: int
    fleet: Mapping[str, Presence]
    window: Standing  # of the space to come: the latest whole window
    stable: Sums
    canary: Sums

    @property
    def elapsed_s(self) -> float:
        return (self.now_ms - self.since_ms) / 1000.0


class Decided(NamedTuple):
    state: State
    figures: Mapping[str, Any]


def decide(state: State, evidence: Evidence) -> Decided | None:
    """None while nothing is to change. A failure or a limit acts in any stage, paused or not."""
    if not state.is_running:
        return None
    gateways = alive(evidence.fleet, evidence.now_ms)
    for each in gateways.values():
        fault = _fault(each, state, evidence)
        if fault is not None:
            return _back(state, f"{state.stage}: {each.where}: {fault}")
    if state.stage == "verifying":
        return _verifying(state, evidence, gateways)
    verdict = verdict_of(state, evidence.stable, evidence.canary)
    assert verdict is not None
    if verdict.kind == "rollback":
        return _back(state, told(verdict), _figures(verdict))
    if state.is_paused:
        return None
    if state.stage == "canary":
        return _canary(state, evidence, verdict)
    return (_filling if state.step == FILLING else _shadowing)(state, evidence, verdict)


def _verifying(
    state: State, evidence: Evidence, gateways: Mapping[str, Presence]
) -> Decided | None:
    waiting = [each for each in gateways.values() if not _is_warm(each, state, evidence)]
    if not gateways or state.is_paused:
        return None
    if not waiting:
        reason = f"{len(gateways)} gateways have opened it"
        fills = any(each.fills for each in gateways.values())
        return Decided(opened(state, fills, BY, reason), {})
    if evidence.elapsed_s > state.plan.verify_s:
        first = waiting[0]
        late = f"verifying: not open everywhere after {state.plan.verify_s:g} s"
        said = f"{first.candidate_state} {first.detail}".rstrip()
        return _back(state, f"{late}: {first.where}: {said}")
    return None


def _filling(state: State, evidence: Evidence, verdict: Verdict) -> Decided | None:
    window = evidence.window
    figures = {"window": window._asdict()}
    seen = (
        f"coverage {window.coverage:.3f}, {window.gap:.3f} less than that of the space before, of "
        f"{window.seen:,} candidates"
    )
    if is_filled(state.plan, window):
        return Decided(filled(state, BY, f"filled: {seen}"), figures)
    if evidence.elapsed_s > state.plan.shadow_most_s:
        return _back(
            state, f"the space was not filled in {state.plan.shadow_most_s:g} s: {seen}", figures
        )
    return None


def _shadowing(state: State, evidence: Evidence, verdict: Verdict) -> Decided | None:
    plan, elapsed_s = state.plan, evidence.elapsed_s
    counted = f"{verdict.requests:,} shadowed requests"
    if verdict.requests >= plan.shadow_least and elapsed_s >= plan.shadow_s:
        return Decided(advanced(state, evidence.now_ms, BY, counted), _figures(verdict))
    if elapsed_s > plan.shadow_most_s:
        reason = f"too few in {plan.shadow_most_s:g} s: {counted}, not {plan.shadow_least:,}"
        return _back(state, reason, _figures(verdict))
    return None


def _canary(state: State, evidence: Evidence, verdict: Verdict) -> Decided | None:
    plan, elapsed_s = state.plan, evidence.elapsed_s
    # Where statistics have nobody to compare with, time is all that is asked for.
    is_passed = verdict.kind == "pass" or state.share == 1.0 or not plan.is_judged
    if is_passed and elapsed_s >= plan.least_s_of(state.step):
        reason = f"{100 * state.share:g}% of traffic passed after {verdict.requests:,} requests"
        if verdict.unproven:
            reason += f", not proven: {', '.join(verdict.unproven)}"
        return Decided(advanced(state, evidence.now_ms, BY, reason), _figures(verdict))
    if elapsed_s > plan.most_s:
        unproven = ", ".join(verdict.unproven) or "nothing"
        reason = (
            f"undecided after {plan.most_s:g} s and {verdict.requests:,} requests, not proven: "
            f"{unproven}: resume, promote or abort it"
        )
        return Decided(paused(state, BY, reason), _figures(verdict))
    return None


def _fault(each: Presence, state: State, evidence: Evidence) -> str | None:
    if not _is_at(each, state, evidence):
        return None
    if each.candidate_state == "failed":
        return each.detail
    is_warm, wanted = each.candidate_state == "warm", state.candidate_version
    if is_warm and wanted and each.candidate_version != wanted:
        return f"it has version {each.candidate_version}, not {wanted}"
    return None


def _is_warm(each: Presence, state: State, evidence: Evidence) -> bool:
    return _is_at(each, state, evidence) and each.candidate_state == "warm"


def _is_at(each: Presence, state: State, evidence: Evidence) -> bool:
    """What it says of an earlier rollout of the same bundle is no answer."""
    return each.revision == evidence.revision and each.candidate == state.candidate


def _back(state: State, reason: str, figures: Mapping[str, Any] | None = None) -> Decided:
    return Decided(rolled_back(state, BY, reason), figures or {})


def _figures(verdict: Verdict) -> dict[str, Any]:
    figures: dict[str, Any] = msgspec.to_builtins(verdict)
    return figures
