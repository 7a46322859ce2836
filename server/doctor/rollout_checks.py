"""Whether a rollout goes on, and whether all gateways follow it."""

from typing import Final

from cache.rollout_board import RolloutBoard
from server.doctor.finding import Finding, fail, ok, warn
from server.doctor.subject import Subject
from server.rollout.presence import Presence, alive
from server.rollout.reading import Reading, read_board

SETTLED_MS: Final = 10_000
"""By then every gateway has looked several times."""
LONG_MS: Final = 86_400_000


async def rollout(subject: Subject) -> Finding:
    """Of each model that is served; the worst is told."""
    findings = [await _of(subject, model) for model in subject.models]
    order = ("fail", "warn", "ok")
    worst = min(findings, key=lambda each: order.index(each.verdict))
    return worst if worst.verdict != "ok" else ok("; ".join(each.found for each in findings))


async def _of(subject: Subject, model: str) -> Finding:
    assert subject.client is not None
    board = RolloutBoard(subject.client, model)
    reading = await read_board(board)
    behind = _behind(reading)
    if behind:
        return fail(
            f"{model}: {len(behind)} gateways do not follow, first {_named(behind[0])}",
            "see that gateway's log: it reads the rollout from Redis twice a second",
        )
    if not reading.state.is_running:
        return ok(f"{model}: no rollout runs ({reading.state.stage})")
    return await _running(board, reading)


async def _running(board: RolloutBoard, reading: Reading) -> Finding:
    state, held, model = reading.state, reading.held, board.model
    living = alive(reading.fleet, held.now_ms)
    if not living or await board.leader() is None:
        return fail(
            f"{model}: the rollout is in {state.stage} and nobody decides on it",
            "no gateway of this model reaches Redis: see their logs, and the checks of Redis",
        )
    failed = [each for each in living.values() if each.candidate_state == "failed"]
    if failed:
        return fail(
            f"{model}: {len(failed)} gateways cannot open the candidate: {failed[0].detail}",
            "mend what it says, or `understudy rollout abort`",
        )
    stayed_ms = held.now_ms - held.since_ms
    if stayed_ms > LONG_MS:
        how = "is paused" if state.is_paused else "has not moved"
        return warn(
            f"{model}: the rollout {how} in {state.stage} for {stayed_ms / 3_600_000:.0f} h",
            "`understudy rollout status` says what it waits for: promote, resume or abort it",
        )
    return ok(f"{model}: {state.stage}, {state.share:.0%} of the traffic, {len(living)} gateways")


def _behind(reading: Reading) -> list[Presence]:
    """Alive, and at an older state than one that has stood for a while."""
    held = reading.held
    if held.now_ms - held.since_ms < SETTLED_MS:
        return []
    living = alive(reading.fleet, held.now_ms).values()
    return [each for each in living if each.revision < held.revision]


def _named(presence: Presence) -> str:
    return f"{presence.where} at revision {presence.revision}"
