"""One version of a bundle for all gateways: what lies at the path is not taken for it."""

import shutil
from pathlib import Path

import msgspec
import pytest

from cache.rollout_board import RolloutBoard
from models.manifest import read_manifest
from server.rollout.lanes import attempt as attempts
from server.rollout.state import STARTED_WITH
from server.serving_folder import open_serving_folder
from tests.server.conftest import Served
from tests.server.rollout.lanes.process import Process, passed, rolled, serving_of, warmed

pytestmark = pytest.mark.redis
OTHER = "0ddba110ddba"


@pytest.fixture(autouse=True)
def _trials_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "tried", passed)


def version_of(serving: Path) -> str:
    return read_manifest(open_serving_folder(serving).student)[1]


async def test_bundle_of_another_version_than_was_started_fails(
    process: Process, following: Path
) -> None:
    await process.agree(rolled(following, stage="verifying", candidate_version=OTHER))
    await process.steps_until(lambda: process.attempted == "failed")
    await process.follower.step()
    told = await process.told()
    assert f"has version {version_of(following)}, and {OTHER} is what was agreed" in told.detail
    assert process.lanes.held(str(following)) is None


async def test_folder_that_was_mended_in_place_is_opened_anew(
    process: Process, following: Path
) -> None:
    state = rolled(following, stage="verifying", candidate_version=version_of(following))
    await process.agree(state)
    await process.steps_until(lambda: process.attempted == "warm")
    await process.follower.step()
    shutil.rmtree(following)
    serving_of(following, seed=99)
    mended = state.replace(rollout="r2", candidate_version=version_of(following))
    assert mended.candidate_version != state.candidate_version
    await process.agree(mended)
    await process.steps_until(lambda: (process.attempted, _rollout(process)) == ("warm", "r2"))
    opened = process.lanes.held(str(following))
    assert opened is not None
    assert opened.lane.model.version == mended.candidate_version


def _rollout(process: Process) -> str:
    attempt = process.follower._attempt
    return "" if attempt is None else attempt.rollout


async def test_nothing_is_counted_where_another_student_answers_than_elsewhere(
    process: Process, following: Path, tmp_path: Path
) -> None:
    await warmed(process, following)
    for elsewhere in ({"stable": str(tmp_path / "nowhere")}, {"stable_version": OTHER}):
        await process.follows(rolled(following, stage="canary", **elsewhere))
        assert process.routing.candidate is not None
        assert process.routing.witness is None
    own = process.routing.stable.lane.model.version
    await process.follows(rolled(following, stage="canary", stable_version=own))
    assert process.routing.witness is not None


async def test_stable_folder_whose_content_changed_is_not_served_untried(
    served: Served, board: RolloutBoard, following: Path
) -> None:
    process = Process(served.student, board)
    done = rolled(following, stage="done", stable=str(following), stable_version=OTHER)
    await process.agree(done)
    await process.follower.begin()
    await process.follower.step()
    assert process.routing.stable is process.lanes.held(STARTED_WITH)
    assert process.lanes.held(str(following)) is None
    put_back = msgspec.structs.replace(done, stable_version=version_of(following))
    await process.agree(put_back)
    await process.steps_until(lambda: process.routing.stable is process.lanes.held(str(following)))
    await process.close()
