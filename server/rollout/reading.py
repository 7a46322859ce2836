"""All that a board says of one model, at one time."""

from collections.abc import Mapping
from typing import NamedTuple

from cache.rollout_board import Held, RolloutBoard
from server.rollout.evidence.merging import merged
from server.rollout.guardrails.sums import Sums
from server.rollout.guardrails.verdict import Verdict
from server.rollout.judging import verdict_of
from server.rollout.presence import Presence, read_fleet
from server.rollout.state import State


class Reading(NamedTuple):
    held: Held
    state: State
    fleet: Mapping[str, Presence]
    stable: Sums
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
    counted = state.stage in ("shadowing", "canary")
    stable, canary = merged(await board.sums(state.tally)) if counted else (Sums(), Sums())
    return Reading(held, state, fleet, stable, canary)
