"""All that a board says of one model, at one time."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from cache.rollout_board import Held, RolloutBoard
from server.rollout.evidence.merging import merged
from server.rollout.guardrails.layout import REQUESTS
from server.rollout.guardrails.sums import Sums
from server.rollout.guardrails.verdict import Verdict
from server.rollout.judging import verdict_of
from server.rollout.presence import Presence, read_fleet
from server.rollout.state import State

FEWEST_BEFORE: Final = 200
"""Answers of the stable lane in the step before. They grow no more: of fewer, one that came late by
chance would excuse the candidate for as long as the last step lasts."""


class Reading(NamedTuple):
    held: Held
    state: State
    fleet: Mapping[str, Presence]
    stable: Sums  # in the last step of the one before
    canary: Sums

    @property
    def verdict(self) -> Verdict | None:
        """Of this stage's sums, now; None where nothing is counted."""
        return verdict_of(self.state, self.stable, self.canary)


async def read_board(board: RolloutBoard) -> Reading:
    """Raises StoreUnavailable, Corrupt."""
    held = await board.read()
    state = State.decode(held.body)
    fleet = read_fleet(await board.fleet())
    return Reading(held, state, fleet, *await _sums(board, state))


async def _sums(board: RolloutBoard, state: State) -> tuple[Sums, Sums]:
    """Of the stable lane and of the canary."""
    if state.stage not in ("shadowing", "canary"):
        return Sums(), Sums()
    stable, canary = merged(await board.sums(state.tally))
    if state.tally_before is None:
        return stable, canary
    before, _ = merged(await board.sums(state.tally_before))
    return before if before.one(REQUESTS) >= FEWEST_BEFORE else stable, canary
