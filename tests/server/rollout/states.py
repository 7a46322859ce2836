"""Rollouts in each stage, and what gateways say of them."""

from typing import Any, Final

from cache.rollout_board import RolloutBoard
from cache.standing import Standing
from server.rollout.decision import Evidence, decide
from server.rollout.guardrails.sums import Sums
from server.rollout.history import Entry
from server.rollout.plan import RolloutPlan
from server.rollout.presence import Presence
from server.rollout.state import JUDGING, State

NOW_MS: Final = 1_800_000_000_000
REVISION: Final = 7
FILLED: Final = Standing(seen=10_000, held=9_000, ready=8_900)

BEGUN: Final = State(
    stable="/a", candidate="/b", stage="verifying", rollout="r", by="x@y", reason="better"
)
SHADOWING: Final = BEGUN.replace(stage="shadowing", step=JUDGING)
CANARY: Final = BEGUN.replace(stage="canary")
STAGES: Final = {"verifying": BEGUN, "shadowing": SHADOWING, "canary": CANARY}


def presence(**fields: Any) -> Presence:
    """Of a gateway that is alive, at this revision, and has the candidate."""
    told: dict[str, Any] = {
        "seen_ms": NOW_MS,
        "revision": REVISION,
        "candidate": "/b",
        "candidate_state": "warm",
        "host": "h",
        "pid": 5,
    }
    return Presence(**told | fields)


def evidence(
    *fleet: Presence,
    elapsed_s: float = 0.0,
    stable: Sums | None = None,
    canary: Sums | None = None,
    window: Standing | None = None,
) -> Evidence:
    return Evidence(
        revision=REVISION,
        since_ms=NOW_MS - round(elapsed_s * 1000),
        now_ms=NOW_MS,
        fleet={f"g{at}": each for at, each in enumerate(fleet or (presence(),))},
        window=window or Standing(),
        stable=Sums() if stable is None else stable,
        canary=Sums() if canary is None else canary,
    )


def planned(state: State, **fields: Any) -> State:
    return state.replace(plan=RolloutPlan(**fields))


def after(state: State, **told: Any) -> State:
    fleet = told.pop("fleet", ())
    decided = decide(state, evidence(*fleet, **told))
    return state if decided is None else decided.state


async def put(board: RolloutBoard, state: State) -> int:
    """By somebody's hand: the revision that it has then."""
    held = await board.read()
    before = State.decode(held.body)
    entry = Entry.of(before, state, held.now_ms, {}).encode()
    assert await board.replace(held.revision, state.encode(), entry)
    return held.revision + 1
