"""Redis comes back without what was agreed on, or with what was agreed on before."""

from pathlib import Path
from typing import Any

import pytest

from cache.rollout_board import Held, RolloutBoard
from server.rollout.history import read_history
from server.rollout.lanes.agreed import Agreed
from server.rollout.lanes.errors import StateLost
from server.rollout.state import STARTED_WITH, State
from tests.server.rollout.lanes.process import NAME, NEXT_SPACE, Process, rolled
from tests.server.rollout.states import BEGUN, CANARY, put

pytestmark = pytest.mark.redis

AGREED = BEGUN.replace(stage="done", stable="/b", rollout="r9", by="controller")


async def snapshot(board: RolloutBoard, held: Held) -> None:
    """As a server that loads what it wrote a while ago."""
    now = await board.read()
    assert await board.restore(now.revision, held, b"{}")


@pytest.fixture
async def agreed(board: RolloutBoard) -> Agreed:
    """That followed the third state."""
    for state in (BEGUN, CANARY.replace(by="controller"), AGREED):
        await put(board, state)
    agreed = Agreed(board, NAME)
    await agreed.read()
    return agreed


async def test_student_is_kept_and_written_back_when_redis_comes_back_empty(
    process: Process, following: Path, client: Any
) -> None:
    await process.agree(State(stage="idle", reason="before"))
    await process.agree(rolled(following, stage="done", stable=str(following)))
    await process.steps_until(lambda: process.space == NEXT_SPACE)
    await client.flushall()
    await process.follower._step_leniently()
    assert process.sample("understudy_rollout_following", model="student") == 0.0
    await process.follower._step_leniently()
    assert process.space == NEXT_SPACE
    assert process.lanes.held(str(following)) is not None
    assert process.sample("understudy_rollout_following", model="student") == 1.0
    held = await process.board.read()
    assert held.revision == 2
    assert State.decode(held.body).stable == str(following)


async def test_what_was_lost_is_as_it_was_with_one_entry_of_who_wrote_it_back(
    board: RolloutBoard, client: Any, agreed: Agreed
) -> None:
    before = await board.read()
    other = Agreed(board, "another")
    await other.read()
    await client.flushall()
    with pytest.raises(StateLost, match="revision 0, and 3 was agreed on"):
        await agreed.read()
    await other.read()
    assert (await board.read())._replace(now_ms=0) == before._replace(now_ms=0)
    [entry] = read_history(await board.history(10))
    assert (entry.from_stage, entry.to_stage, entry.by) == ("idle", "done", NAME)
    assert "revision 0" in entry.reason


async def test_earlier_state_is_not_followed_whoever_wrote_it(
    board: RolloutBoard, client: Any, agreed: Agreed
) -> None:
    await client.flushall()
    await snapshot(board, Held(1, 5, 0, BEGUN.encode()))
    with pytest.raises(StateLost):
        await agreed.read()
    assert (await agreed.read())[1] == AGREED
    # Another's controller had decided by it before it was written back.
    await client.flushall()
    await put(board, CANARY.replace(by="controller"))
    with pytest.raises(StateLost):
        await agreed.read()
    assert (await agreed.read())[1] == AGREED


@pytest.mark.parametrize(
    "act", [State(stage="rolled_back", by="x@y"), BEGUN.replace(rollout="s1", by="controller")]
)
async def test_act_by_hand_since_then_is_followed_and_so_is_a_later_rollout(
    board: RolloutBoard, client: Any, agreed: Agreed, act: State
) -> None:
    await client.flushall()
    while (now := await board.read()).now_ms <= agreed._held.since_ms:
        assert now.revision == 0
    await put(board, act)
    assert (await agreed.read())[1] == act
    assert agreed.revision == 1


async def test_process_that_knows_nothing_follows_what_is_there(board: RolloutBoard) -> None:
    agreed = Agreed(board, NAME)
    assert (await agreed.read())[1].stable == STARTED_WITH
    assert await board.history(10) == []
