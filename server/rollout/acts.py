"""What people do to a rollout: of the command line and of /v1/rollouts alike."""

import secrets
from collections.abc import Collection
from typing import Final, Literal, NamedTuple

from cache.errors import Corrupt
from cache.rollout_board import Held, RolloutBoard
from server.rollout.candidate import Candidate
from server.rollout.errors import ActRefused
from server.rollout.history import Entry
from server.rollout.plan import DEFAULT, RolloutPlan
from server.rollout.presence import Presence, alive, read_fleet
from server.rollout.state import STARTED_WITH, State
from server.rollout.transitions import advanced, paused, promoted, resumed, rolled_back, started

Act = Literal["start", "pause", "resume", "promote", "abort"]
ACTS: Final[tuple[Act, ...]] = ("start", "pause", "resume", "promote", "abort")
MAX_BY: Final = 200


class Asked(NamedTuple):
    act: Act
    by: str
    reason: str = ""
    to: Candidate | None = None  # of start
    plan: RolloutPlan = DEFAULT  # of start
    is_to_the_end: bool = False  # of promote
    revision: int | None = None  # that was looked at: no act on another one


class Now(NamedTuple):
    model: str
    now_ms: int
    fleet: Collection[Presence] = ()  # alive


async def perform(board: RolloutBoard, asked: Asked) -> State:
    """The state that follows. Raises ActRefused, StoreUnavailable, Corrupt."""
    held = await board.read()
    state = State.decode(held.body)
    _check_seen(asked, held, state)
    fleet = alive(read_fleet(await board.fleet()), held.now_ms)
    after = changed(state, asked, Now(board.model, held.now_ms, tuple(fleet.values())))
    body, entry = _body(after), Entry.of(state, after, held.now_ms, {}).encode()
    is_done = await board.replace(held.revision, body, entry)
    # The client sends once more what it got no answer to, and finds it done.
    if not is_done and (await board.read()).body != body:
        raise ActRefused("the state has just changed: look at it, and try again")
    return after


def _check_seen(asked: Asked, held: Held, state: State) -> None:
    """Two who promote what both see would go two steps. Raises ActRefused."""
    if asked.revision not in (None, held.revision):
        raise ActRefused(
            f"revision {asked.revision} was looked at, and {state.by or 'somebody'} has changed it "
            f"since: it is {_stage(state)} at revision {held.revision}: look at it, and try again"
        )


def _body(state: State) -> bytes:
    """Raises ActRefused rather than to leave all gateways without a state that they can read."""
    try:
        body = state.encode()
        State.decode(body)
    except (ValueError, Corrupt) as error:
        raise ActRefused(
            f"the state could not be read again: {error.__cause__ or error}: mend the plan, or "
            "give less text"
        ) from error
    return body


def changed(state: State, asked: Asked, now: Now) -> State:
    """Raises ActRefused."""
    if not (1 <= len(asked.by) <= MAX_BY and asked.by.isprintable()):
        raise ActRefused(f"who asks is {asked.by!r}: give 1 to {MAX_BY} printable characters")
    reason = asked.reason or f"{asked.act} by hand"
    if asked.act == "start":
        return _started(state, asked, reason, now)
    if asked.act == "abort":
        return _aborted(state, asked.by, reason, now.now_ms)
    if not state.is_running:
        raise ActRefused(f"no rollout of {now.model} is running: it is {state.stage}; start one")
    if asked.act == "promote":
        return _promoted(state, asked, reason, now.now_ms)
    if state.is_paused == (asked.act == "pause"):
        raise ActRefused(f"the rollout is {'' if state.is_paused else 'not '}paused already")
    return (paused if asked.act == "pause" else resumed)(state, asked.by, reason)


def _started(state: State, asked: Asked, reason: str, now: Now) -> State:
    to = asked.to
    if to is None:
        raise ActRefused("start takes a serving folder, or NAME-VERSION of the registry")
    if to.name != now.model:
        raise ActRefused(f"{to.where} holds the model {to.name}, not {now.model}: name the other")
    if state.is_running:
        raise ActRefused(
            f"{state.candidate} is {_stage(state)}: wait until that is over, or abort it first"
        )
    if to.where == state.stable:
        raise ActRefused(f"{to.where} is answered from already: give another bundle")
    if now.fleet and all(each.stable_version == to.version for each in now.fleet):
        raise ActRefused(
            f"{to.where} has version {to.version}, which all gateways answer from already: give "
            "another bundle"
        )
    rollout = f"{now.now_ms:013d}-{secrets.token_hex(4)}"
    compared = state.replace(stable_version=_stable_version(state, asked.plan, now))
    return started(compared, to, asked.plan, rollout, asked.by, reason)


def _stable_version(state: State, plan: RolloutPlan, now: Now) -> str:
    """What the candidate is compared with. Of what gateways were started with they tell."""
    if state.stable != STARTED_WITH:
        return state.stable_version
    told = sorted({each.stable_version for each in now.fleet})
    if len(told) > 1 and plan.is_judged:
        raise ActRefused(
            f"gateways were started with different bundles, {', '.join(told)}, and a candidate is "
            "compared with one: start them alike, or give --plan direct"
        )
    return told[0] if len(told) == 1 else ""


def _promoted(state: State, asked: Asked, reason: str, now_ms: int) -> State:
    if state.stage == "verifying":
        raise ActRefused(
            f"gateways have not opened {state.candidate} yet: wait until the stage is shadowing"
        )
    step = promoted if asked.is_to_the_end else advanced
    return step(state, now_ms, asked.by, reason)


def _aborted(state: State, by: str, reason: str, now_ms: int) -> State:
    if state.is_running:
        return rolled_back(state, by, reason)
    if state.stage != "done":
        raise ActRefused(f"nothing is to be given up: the stage is {state.stage}")
    if now_ms >= state.keep_until_ms:
        before = state.previous or "what gateways were started with"
        raise ActRefused(
            f"{before} is unloaded by now: start a rollout to it, with --plan direct if in haste"
        )
    return rolled_back(state, by, reason)


def _stage(state: State) -> str:
    return f"{state.stage}, paused" if state.is_paused else state.stage
