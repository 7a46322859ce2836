"""Gateways that tell the board what a good rollout needs, and a look at what came of it."""

from itertools import pairwise
from typing import Any, Final

from cache.rollout_board import RolloutBoard
from server.rollout.history import Entry, read_history
from server.rollout.plan import RolloutPlan
from server.rollout.state import State
from tests.server.rollout.guardrails.counted import counted
from tests.server.rollout.states import BEGUN, presence

LEADER: Final = "us:rollout:{student}:leader"
QUICK: Final = RolloutPlan(
    steps=(0.1, 0.5, 1.0), least_s=0.0, shadow_s=0.0, shadow_least=0, is_judged=False
)
JUDGED: Final = QUICK.model_copy(update={"is_judged": True, "shadow_least": 200})
START: Final = BEGUN.replace(plan=QUICK)
GOOD: Final = {
    "stable": counted(requests=40_000, seed=1).encode(),
    "canary": counted(requests=20_000).encode(),
}
WHOLE: Final = [
    ("verifying", 0),
    ("shadowing", 1),
    ("canary", 0),
    ("canary", 1),
    ("canary", 2),
    ("done", 0),
]
"""The places of a rollout to which nothing happens."""


async def tell(board: RolloutBoard, sums: dict[str, bytes] | None = None, **fields: Any) -> None:
    """Of the state as it is now: alive, and warm."""
    held = await board.read()
    state = State.decode(held.body)
    told = presence(**{"seen_ms": held.now_ms, "revision": held.revision} | fields)
    await board.present("g", told.encode(), sums or {}, state.tally)


async def state_of(board: RolloutBoard) -> State:
    return State.decode((await board.read()).body)


async def entries(board: RolloutBoard) -> list[Entry]:
    """The oldest first."""
    return read_history(await board.history(1000))[::-1]


async def check_recorded_once(board: RolloutBoard) -> list[tuple[str, int]]:
    """That each entry begins where the one before ended, and that no change is without. The places
    in their order."""
    told = await entries(board)
    assert len(told) == (await board.read()).revision
    for before, after in pairwise(told):
        assert (after.from_stage, after.from_step) == (before.to_stage, before.to_step)
    return [(each.to_stage, each.to_step) for each in told]
