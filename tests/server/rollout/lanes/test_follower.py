"""One gateway's part in a rollout, step by step; what the others do is the board's word."""

from pathlib import Path

import pytest

from cache.connection import connect
from cache.errors import StoreUnavailable
from cache.rollout_board import RolloutBoard
from server.rollout.lanes import attempt as attempts
from server.rollout.lanes.routing import ALL
from server.rollout.state import FILLING, STARTED_WITH, State
from tests.server.conftest import Served
from tests.server.rollout.lanes.process import NEXT_SPACE, Process, passed, rolled, warmed
from tests.server.test_redis_down import closed_port

pytestmark = pytest.mark.redis
YEAR_MS = 365 * 86_400_000


@pytest.fixture(autouse=True)
def _trials_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "tried", passed)


async def test_without_a_rollout_what_it_was_started_with_answers(process: Process) -> None:
    await process.follower.step()
    assert process.routing == (process.lanes.held(STARTED_WITH), None, 0, "", None, None)
    assert process.sample("understudy_rollout_stage", model="student", stage="idle") == 1.0
    assert process.sample("understudy_rollout_following", model="student") == 1.0


async def test_candidate_that_is_verified_is_warm_and_answers_nobody(
    process: Process, following: Path
) -> None:
    await warmed(process, following)
    told = await process.told()
    assert (told.candidate_state, told.fills, told.detail) == ("warm", True, "")
    assert told.candidate_version == process.lanes.held(str(following)).lane.model.version  # type: ignore[union-attr]
    assert told.revision == 1
    assert process.routing.candidate is None


async def test_shadowed_candidate_answers_nobody_and_has_its_space_filled(
    process: Process, following: Path
) -> None:
    await warmed(process, following)
    await process.follows(rolled(following, stage="shadowing", step=FILLING))
    routing = process.routing
    assert routing.candidate is not None
    assert routing.candidate.lane.name == "shadow"
    assert routing.below == 0
    assert routing.witness is not None
    assert routing.shadow is not None
    assert routing.stable.lane.feedback.mirror is not None


async def test_canary_answers_its_share_and_each_fills_the_others_space(
    process: Process, following: Path
) -> None:
    await warmed(process, following)
    await process.follows(rolled(following, stage="canary"))
    routing = process.routing
    assert routing.candidate is not None
    assert (routing.candidate.lane.name, routing.stable.lane.name) == ("canary", "stable")
    assert (routing.below, routing.salt) == (ALL // 2, "r1")
    assert routing.shadow is None
    assert routing.stable.lane.feedback.mirror is not None
    assert routing.candidate.lane.feedback.mirror is not None
    assert process.sample("understudy_rollout_share", model="student") == 0.5


async def test_canary_whose_model_does_not_come_back_is_given_up(
    process: Process, following: Path
) -> None:
    await warmed(process, following)
    state = rolled(following, stage="canary")
    await process.follows(state)
    assert process.routing.candidate is not None
    process.routing.candidate.lane.batcher.is_hung = True
    await process.steps_until(lambda: process.routing.candidate is None)
    told = await process.told()
    assert (told.candidate_state, told.detail) == ("failed", "its model does not come back")
    assert process.routing.below == 0


async def test_shadow_whose_model_does_not_come_back_is_given_up(
    process: Process, following: Path
) -> None:
    await warmed(process, following)
    await process.follows(rolled(following, stage="shadowing", step=FILLING))
    assert process.routing.shadow is not None
    process.routing.shadow.is_hung = True
    await process.steps_until(lambda: process.routing.candidate is None)
    told = await process.told()
    assert (told.candidate_state, told.detail) == ("failed", "its model does not come back")


async def test_pause_goes_on_with_the_same_counts(process: Process, following: Path) -> None:
    await warmed(process, following)
    state = rolled(following, stage="canary")
    await process.follows(state)
    routing = process.routing
    await process.follows(state.replace(is_paused=True))
    assert process.routing is routing


async def test_next_step_counts_anew_under_the_same_draw(process: Process, following: Path) -> None:
    await warmed(process, following)
    await process.follows(rolled(following, stage="canary"))
    before = process.routing
    await process.follows(rolled(following, stage="canary", step=1))
    assert (process.routing.below, process.routing.salt) == (ALL, before.salt)
    assert process.routing.witness is not before.witness


async def test_promoted_candidate_is_stable_and_the_one_before_is_kept_for_a_time(
    process: Process, following: Path
) -> None:
    await warmed(process, following)
    await process.follows(rolled(following, stage="canary"))
    candidate = process.routing.candidate
    now_ms = (await process.board.read()).now_ms
    done = rolled(following, stage="done", stable=str(following), keep_until_ms=now_ms + YEAR_MS)
    await process.follows(done)
    assert process.routing.stable is candidate
    assert process.routing.stable.lane.name == "stable"
    assert process.routing.candidate is None
    assert process.lanes.held(STARTED_WITH) is not None
    # Its space goes on being filled: who goes back finds it warm.
    assert process.routing.stable.lane.feedback.mirror is not None
    await process.follows(done.replace(keep_until_ms=now_ms))
    assert process.lanes.held(STARTED_WITH) is None
    assert process.routing.stable.lane.feedback.mirror is None


async def test_way_back_needs_no_loading(process: Process, following: Path) -> None:
    first = process.routing.stable
    await warmed(process, following)
    await process.agree(
        rolled(following, stage="done", stable=str(following), keep_until_ms=1 << 45)
    )
    await process.follower.step()
    assert process.space == NEXT_SPACE
    await process.follows(rolled(following, stage="rolled_back", stable=STARTED_WITH, reason="no"))
    assert process.routing.stable is first
    assert process.lanes.held(str(following)) is None
    assert process.sample("understudy_rollbacks_total", model="student", by="hand") == 1.0


async def test_candidate_of_a_rollout_that_is_rolled_back_is_closed(
    process: Process, following: Path
) -> None:
    await warmed(process, following)
    await process.follows(rolled(following, stage="canary"))
    back = rolled(following, stage="rolled_back").replace(by="controller")
    await process.follows(back)
    assert process.routing.candidate is None
    assert process.routing.stable.lane.feedback.mirror is None
    assert process.lanes.held(str(following)) is None
    rollbacks = process.sample("understudy_rollbacks_total", model="student", by="controller")
    assert rollbacks == 1.0


async def test_gateway_that_starts_late_begins_with_what_the_others_answer_from(
    served: Served, board: RolloutBoard, following: Path
) -> None:
    process = Process(served.student, board)
    await process.agree(State(stable=str(following), stage="done"))
    await process.follower.begin()
    assert process.space == NEXT_SPACE
    assert process.lanes.held(STARTED_WITH) is None
    await process.close()


async def test_gateway_that_cannot_open_what_the_others_answer_from_answers(
    served: Served, board: RolloutBoard, tmp_path: Path
) -> None:
    process = Process(served.student, board)
    await process.agree(State(stable=str(tmp_path / "nowhere"), stage="done"))
    await process.follower.begin()
    await process.follower.step()
    assert process.space != NEXT_SPACE
    await process.close()


async def test_gateway_follows_a_stable_bundle_that_it_has_not_opened(
    process: Process, following: Path
) -> None:
    await process.agree(State(stable=str(following), stage="done"))
    await process.steps_until(lambda: process.space == NEXT_SPACE)
    await process.follower.step()
    assert process.lanes.held(STARTED_WITH) is None
    await process.agree(State(stage="done"))
    await process.steps_until(lambda: process.space != NEXT_SPACE)


async def test_without_redis_the_last_state_holds_and_is_followed_when_it_is_back(
    process: Process, following: Path
) -> None:
    await warmed(process, following)
    await process.follows(rolled(following, stage="canary"))
    routing, board = process.routing, process.board
    away = connect(closed_port())
    process.over(RolloutBoard(away, "student"))
    with pytest.raises(StoreUnavailable):
        await process.follower.step()
    await process.follower._step_leniently()
    assert process.routing is routing
    assert process.sample("understudy_rollout_following", model="student") == 0.0
    process.over(board)
    await process.agree(rolled(following, stage="rolled_back"))
    await process.follower._step_leniently()
    assert process.routing.candidate is None
    assert process.sample("understudy_rollout_following", model="student") == 1.0
    await away.aclose()


async def test_state_that_cannot_be_read_leaves_all_as_it_is(
    process: Process, board: RolloutBoard
) -> None:
    routing = process.routing
    await board.replace(0, b"not a state", b"{}")
    await process.follower._step_leniently()
    assert process.routing is routing
    assert process.sample("understudy_rollout_following", model="student") == 0.0
