"""A process that was started since a promotion goes back as fast as the others."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cache.rollout_board import RolloutBoard
from models.manifest import read_manifest
from server.open_lane import OpenLane
from server.rollout.lanes import attempt as attempts
from server.rollout.lanes import way_back
from server.rollout.state import STARTED_WITH, State
from server.serving_folder import open_serving_folder
from tests.server.conftest import Served
from tests.server.rollout.lanes.process import NEXT_SPACE, Process, passed, serving_of
from tests.server.rollout.lanes.promotion import (
    BEFORE_SPACE,
    aborted,
    counted_sources,
    hold_up,
    promoted,
)

pytestmark = pytest.mark.redis


@pytest.fixture
async def since(served: Served, board: RolloutBoard) -> AsyncIterator[Process]:
    """It has not begun."""
    process = Process(served.student, board)
    yield process
    await process.close()


def version_of(serving: Path) -> str:
    return read_manifest(open_serving_folder(serving).student)[1]


async def begun(process: Process, state: State) -> None:
    await process.agree(state)
    await process.follower.begin()
    assert process.space == NEXT_SPACE


async def opened(process: Process, where: Path | str) -> OpenLane:
    await process.steps_until(lambda: process.lanes.held(str(where)) is not None)
    held = process.lanes.held(str(where))
    assert held is not None
    return held


async def held_up(
    process: Process, name: str, patch: pytest.MonkeyPatch
) -> tuple[list[str], asyncio.Event]:
    """As hold_up, once the first opening has begun."""
    begins, go_on = hold_up(patch, name)
    await process.steps_until(lambda: begins)
    return begins, go_on


async def test_student_before_is_opened_and_answers_in_the_step_after_an_abort(
    since: Process, following: Path, before: Path
) -> None:
    state = promoted(following, before, previous_version=version_of(before))
    await begun(since, state)
    assert since.lanes.held(str(before)) is None
    previous = await opened(since, before)
    assert since.space == NEXT_SPACE
    await since.follows(aborted(state))
    assert since.routing.stable is previous
    assert since.lanes.held(str(following)) is None


async def test_what_it_was_started_with_is_opened_where_that_answered_before(
    since: Process, following: Path
) -> None:
    state = promoted(following, STARTED_WITH, previous_version="whatever others had")
    await begun(since, state)
    first = await opened(since, STARTED_WITH)
    await since.follows(aborted(state))
    assert since.routing.stable is first


async def test_space_of_the_student_before_is_filled_until_it_is_retired(
    since: Process, following: Path, before: Path
) -> None:
    state = promoted(following, before)
    await begun(since, state)
    await since.follower.step()
    assert since.routing.stable.lane.feedback.mirror is None
    await opened(since, before)
    await since.follower.step()
    assert since.routing.stable.lane.feedback.mirror is not None
    await since.follows(state.replace(keep_until_ms=1))
    assert since.lanes.held(str(before)) is None
    assert since.routing.stable.lane.feedback.mirror is None


async def test_one_that_cannot_be_opened_leaves_answers_alone_is_said_once_and_tried_again(
    since: Process,
    following: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(way_back, "RETRY_S", 0.0)
    late = tmp_path / "late"
    await begun(since, promoted(following, late))
    routing = since.routing
    tries = counted_sources(since, monkeypatch)
    await since.steps_until(lambda: len(tries) > 3)
    assert since.space == NEXT_SPACE
    assert since.routing.stable is routing.stable
    told = await since.told()
    assert told.candidate_state == "absent"
    assert f"no way back to {late}" in told.detail
    assert "holds no serving.json" in told.detail
    assert caplog.text.count("no way back") == 1
    serving_of(late)
    await opened(since, late)
    await since.follower.step()
    assert (await since.told()).detail == ""


async def test_keeping_that_ends_ends_the_opening(
    since: Process, following: Path, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = promoted(following, before)
    await begun(since, state)
    _, go_on = await held_up(since, before.name, monkeypatch)
    await since.follows(state.replace(keep_until_ms=1))
    assert since.follower._way_back._opening.is_idle
    go_on.set()
    await since.follower.step()
    assert since.lanes.held(str(before)) is None


async def test_abort_while_it_is_opened_goes_on_with_that(
    since: Process, following: Path, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = promoted(following, before)
    await begun(since, state)
    begins, go_on = await held_up(since, before.name, monkeypatch)
    await since.follows(aborted(state))
    await since.follower.step()
    go_on.set()
    await since.steps_until(lambda: since.space == BEFORE_SPACE)
    assert begins == [before.name]


async def test_rollout_that_starts_does_not_wait_for_it(
    since: Process, following: Path, before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "tried", passed)
    state = promoted(following, before)
    await begun(since, state)
    begins, _ = await held_up(since, before.name, monkeypatch)
    nextly = serving_of(tmp_path / "next", seed=41)
    started = state.replace(stage="verifying", rollout="r2", candidate=str(nextly), keep_until_ms=0)
    await since.agree(started)
    await since.steps_until(lambda: since.attempted == "warm")
    assert begins == [before.name, nextly.name]
    assert since.lanes.held(str(before)) is None


async def test_change_of_the_stable_student_does_not_wait_for_it(
    since: Process, following: Path, before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = promoted(following, before)
    await begun(since, state)
    begins, go_on = await held_up(since, before.name, monkeypatch)
    other = serving_of(tmp_path / "other", seed=41)
    await since.agree(state.replace(stable=str(other)))
    await since.steps_until(lambda: since.routing.stable is since.lanes.held(str(other)))
    go_on.set()
    await opened(since, before)
    assert begins == [before.name, other.name, before.name]
