"""Rollouts on a real server, as /v1/rollouts and the console are told of them."""

from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from cache.connection import connect
from cache.rollout_board import RolloutBoard
from server.console import board as module
from server.console.board import BoardRollouts
from server.console.lookups import Lookups
from server.errors import InvalidRequest, NotReady, RolloutRefused, RolloutUnavailable, UnknownModel
from server.rollout.history import Entry
from server.rollout_wire import RolloutAct
from tests.server.conftest import Served
from tests.server.rollout.gateways import GOOD, tell
from tests.server.rollout.states import BEGUN, CANARY, planned, presence, put
from tests.server.test_redis_down import closed_port

pytestmark = pytest.mark.redis


@pytest.fixture
def rollouts(board: RolloutBoard) -> BoardRollouts:
    return BoardRollouts(lambda: {board.model: board}, None)


@pytest.fixture
async def away() -> AsyncIterator[RolloutBoard]:
    client = connect(closed_port())
    yield RolloutBoard(client, "student")
    await client.aclose()


async def test_before_the_first_rollout_it_is_idle(rollouts: BoardRollouts) -> None:
    [status] = await rollouts.status()
    assert (status.stage, status.revision, status.rollout) == ("idle", 0, "")
    assert status.is_following
    assert status.verdict is None


async def test_canary_is_told_with_its_figures_and_its_fleet(
    rollouts: BoardRollouts, board: RolloutBoard
) -> None:
    await put(board, planned(CANARY, steps=(0.1, 1.0), least_s=(30.0, 60.0)))
    await tell(board, GOOD, host="one")
    [status] = await rollouts.status()
    assert (status.stage, status.step, status.share) == ("canary", 0, 0.1)
    assert (status.steps, status.least_s) == ([0.1, 1.0], 30.0)
    [gateway] = status.fleet
    assert (gateway.host, gateway.is_alive, gateway.candidate_state) == ("one", True, "warm")
    assert status.verdict is not None
    assert status.verdict.requests == 20_000
    assert status.verdict.figures["clicks"].margin == 0.03
    assert msgspec.json.encode(status)


async def test_gateway_that_was_not_heard_of_lately_is_not_alive(
    rollouts: BoardRollouts, board: RolloutBoard
) -> None:
    await put(board, BEGUN)
    seen_ms = (await board.read()).now_ms - 60_000
    await board.present("g", presence(seen_ms=seen_ms).encode(), {}, BEGUN.tally)
    [status] = await rollouts.status()
    assert not status.fleet[0].is_alive
    assert status.fleet[0].told_s_ago >= 60.0


async def test_act_on_another_state_than_was_seen_is_refused(
    rollouts: BoardRollouts, board: RolloutBoard
) -> None:
    await put(board, CANARY)
    [seen] = await rollouts.status()
    asked = RolloutAct(act="promote", revision=seen.revision)
    assert (await rollouts.act("student", asked, "a@b")).step == 1
    with pytest.raises(RolloutRefused, match="a@b has changed it since"):
        await rollouts.act("student", asked, "c@d")
    assert (await board.read()).revision == seen.revision + 1


async def test_trail_grows_with_looks_and_begins_anew_with_the_step(
    rollouts: BoardRollouts, board: RolloutBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.console.trail.APART_MS", 0)
    await put(board, planned(CANARY, steps=(0.1, 0.5, 1.0)))
    await tell(board, GOOD)
    for _ in range(3):
        await rollouts.status()
    [trail] = rollouts.trails()
    assert len(trail.guardrails["clicks"]) >= 2
    assert "error_limit" not in trail.guardrails
    await put(board, planned(CANARY, steps=(0.1, 0.5, 1.0)).replace(step=1))
    await rollouts.status()
    assert len(rollouts.trails()[0].at_ms) == 1


async def test_without_redis_the_last_state_is_told_as_such(
    board: RolloutBoard, away: RolloutBoard
) -> None:
    boards = {"student": board}
    rollouts = BoardRollouts(lambda: boards, None)
    await put(board, CANARY)
    [before] = await rollouts.status()
    boards["student"] = away
    [status] = await rollouts.status()
    assert status == msgspec.structs.replace(before, is_following=False)
    with pytest.raises(RolloutUnavailable, match="cannot be had"):
        await rollouts.history("student", 5)
    with pytest.raises(RolloutUnavailable):
        await rollouts.act("student", RolloutAct(act="pause"), "mara@here")


async def test_state_that_cannot_be_read_is_told_as_redis_away(
    rollouts: BoardRollouts, board: RolloutBoard, client: Any
) -> None:
    await put(board, CANARY)
    await client.hset("us:rollout:{student}", "body", b"{")
    [status] = await rollouts.status()
    assert not status.is_following
    with pytest.raises(RolloutUnavailable, match="delete the key"):
        await rollouts.act("student", RolloutAct(act="pause"), "mara@here")


async def test_acts_are_done_and_recorded(rollouts: BoardRollouts, board: RolloutBoard) -> None:
    await put(board, CANARY)
    asked = RolloutAct(act="pause", reason="lunch")
    status = await rollouts.act("student", asked, "mara@10.0.0.7")
    assert (status.stage, status.is_paused, status.by) == ("canary", True, "mara@10.0.0.7")
    newest, first = await rollouts.history("student", 10)
    assert (newest.by, newest.reason, newest.is_paused) == ("mara@10.0.0.7", "lunch", True)
    assert (newest.from_stage, newest.to_stage) == ("canary", "canary")
    assert first.from_stage == "idle"
    assert newest.id != first.id


async def test_act_that_the_state_does_not_allow_is_refused(
    rollouts: BoardRollouts, board: RolloutBoard
) -> None:
    with pytest.raises(RolloutRefused, match="no rollout of student is running"):
        await rollouts.act("student", RolloutAct(act="pause"), "mara@here")
    assert (await board.read()).revision == 0


async def test_rollout_is_started_to_a_serving_folder_by_a_plan(
    rollouts: BoardRollouts, served: Served
) -> None:
    asked = RolloutAct(act="start", to=str(served.folder), plan="steps = [0.2, 1.0]\nleast_s = 5")
    status = await rollouts.act("student", asked, "mara@here")
    assert (status.stage, status.steps) == ("verifying", [0.2, 1.0])
    assert status.candidate == str(served.folder.resolve())


async def test_candidate_that_is_not_there_is_refused(
    rollouts: BoardRollouts, tmp_path: Path
) -> None:
    asked = RolloutAct(act="start", to=str(tmp_path))
    with pytest.raises(RolloutRefused, match=r"serving\.json") as refused:
        await rollouts.act("student", asked, "mara@here")
    assert refused.value.field == "to"


async def test_store_that_hangs_keeps_a_start_waiting_and_nobody_else(
    rollouts: BoardRollouts,
    board: RolloutBoard,
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_back = Event()
    monkeypatch.setattr(module, "find_candidate", lambda *_: is_back.wait(10.0))
    rollouts._lookups = Lookups("candidate", 0.05)
    try:
        asked = RolloutAct(act="start", to="student-0123456789ab")
        with pytest.raises(RolloutUnavailable, match=r"nothing came in 0\.05 s"):
            await rollouts.act("student", asked, "mara@here")
        await put(board, CANARY)
        status = await rollouts.act("student", RolloutAct(act="abort"), "mara@here")
        assert status.stage == "rolled_back"
    finally:
        is_back.set()


@pytest.mark.parametrize(
    "plan", ["steps = [0.2, 0.1, 1.0]", "fast", "steps = [", "pace = 3", "steps = " + "[" * 60_000]
)
async def test_plan_that_is_none_is_refused(
    rollouts: BoardRollouts, board: RolloutBoard, served: Served, plan: str
) -> None:
    asked = RolloutAct(act="start", to=str(served.folder), plan=plan)
    with pytest.raises(InvalidRequest) as refused:
        await rollouts.act("student", asked, "mara@here")
    assert refused.value.field == "plan"
    assert (await board.read()).revision == 0


async def test_verdict_of_a_transition_is_told_again(
    rollouts: BoardRollouts, board: RolloutBoard
) -> None:
    await put(board, CANARY)
    await tell(board, GOOD)
    [status] = await rollouts.status()
    held = await board.read()
    told = msgspec.to_builtins(status.verdict)
    entry = Entry.of(CANARY, CANARY.replace(stage="rolled_back"), held.now_ms, told)
    await board.replace(held.revision, CANARY.encode(), entry.encode())
    newest = (await rollouts.history("student", 1))[0]
    assert newest.verdict == status.verdict


async def test_other_model_is_unknown(rollouts: BoardRollouts) -> None:
    with pytest.raises(UnknownModel, match="no model of that name"):
        await rollouts.history("other", 5)


async def test_before_bundles_are_open_nothing_is_followed() -> None:
    def boards() -> dict[str, RolloutBoard]:
        raise NotReady("verifying")

    rollouts = BoardRollouts(boards, None)
    with pytest.raises(NotReady):
        await rollouts.status()
    assert rollouts._open_boards() == {}
