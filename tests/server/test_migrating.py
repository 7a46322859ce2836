"""One gateway's part in a migration, step by step; what the others do is the board's word."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from cache.breaker import CircuitBreaker
from cache.errors import StoreUnavailable
from cache.memory_store import MemoryStore
from cache.migration import Migration, MigrationBoard, Standing
from models.manifest import read_manifest
from server.cache_links import CacheLinks
from server.metrics import Metrics
from server.migrating import Migrating
from server.open_lane import OpenLane, Source
from server.open_lanes import STARTED_WITH, OpenLanes
from tests.bundles import linear_student, linear_teacher, tiny_catalogue
from tests.server.conftest import Served
from tests.server.live import settings_for

NEXT_SPACE = "0ddba110ddba1100"
FILLED = Standing(seen=1000, held=900, ready=900)
HALF_FILLED = Standing(seen=1000, held=900, ready=450)


class Board:
    def __init__(self) -> None:
        self.state = Migration(least=1000)
        self.window = Standing()
        self.is_away = False

    async def read(self) -> Migration:
        if self.is_away:
            raise StoreUnavailable("away")
        return self.state

    async def replace(self, held: Migration, wanted: Migration) -> bool:
        if held.revision != self.state.revision:
            return False
        self.state = wanted._replace(revision=held.revision + 1)
        return True

    async def count(self, held: Migration, seen: Standing) -> Standing | None:
        return self.window if held.revision == self.state.revision else None


class Process:
    """What a gateway has of it."""

    def __init__(self, first: Path) -> None:
        settings = settings_for(first)
        links = CacheLinks(settings, MemoryStore(), CircuitBreaker(), None, None)
        self.lanes = OpenLanes(Source(first), links, Metrics(), lambda what: None)
        self.board = Board()
        self.migrating = Migrating(cast(MigrationBoard, self.board), self.lanes)

    @property
    def serving(self) -> OpenLane:
        assert self.lanes.serving is not None
        return self.lanes.serving

    @property
    def space(self) -> str | None:
        return self.serving.lane.model.manifest.reads_space

    def start(self, folder: Path) -> None:
        self.board.state = self.board.state._replace(coming=str(folder), revision=1)


@pytest.fixture
async def process(served: Served) -> Any:
    process = Process(served.student)
    await process.lanes.serve(STARTED_WITH)
    yield process
    await process.migrating._stop_filling()
    await process.lanes.close()


@pytest.fixture
def following(tmp_path: Path) -> Path:
    student = linear_student(tmp_path, space=NEXT_SPACE, seed=21)
    teacher = linear_teacher(tmp_path, space=NEXT_SPACE, seed=22)
    names = {"student": student.name, "teacher": teacher.name}
    (tmp_path / "serving.json").write_text(json.dumps(names))
    tiny_catalogue().save(tmp_path / "catalogue.safetensors")
    return tmp_path


async def test_space_that_is_not_filled_changes_nobody(process: Process, following: Path) -> None:
    process.start(following)
    process.board.window = HALF_FILLED
    await process.migrating.step()
    assert process.space != NEXT_SPACE
    assert process.board.state.coming == str(following)
    assert process.serving.lane.feedback.mirror is not None


async def test_filled_space_and_its_student_take_over_together(
    process: Process, following: Path
) -> None:
    process.start(following)
    process.board.window = FILLED
    await process.migrating.step()
    assert process.space == NEXT_SPACE
    assert process.serving.lane.model.version == read_manifest(process.serving.lane.folder)[1]
    assert process.board.state.serving == str(following)
    assert "coverage 0.900" in process.board.state.reason
    assert process.serving.lane.feedback.mirror is None


async def test_gateway_follows_a_switch_that_another_made(
    process: Process, following: Path
) -> None:
    process.start(following)
    await process.migrating.step()
    process.board.state = process.board.state.switched("by another")
    await process.migrating.step()
    assert process.space == NEXT_SPACE
    assert process.serving.lane.feedback.mirror is None


async def test_gateway_that_starts_late_begins_with_what_the_others_answer_from(
    process: Process, following: Path
) -> None:
    process.board.state = Migration(serving=str(following), revision=2)
    await process.migrating.begin()
    assert process.space == NEXT_SPACE


async def test_way_back_is_open_and_needs_no_loading(process: Process, following: Path) -> None:
    first = process.serving
    process.start(following)
    process.board.window = FILLED
    await process.migrating.step()
    process.board.state = Migration(serving="", previous=str(following), revision=3)
    await process.migrating.step()
    assert process.serving is first


async def test_folder_that_cannot_be_opened_is_given_up_for_all(
    process: Process, tmp_path: Path
) -> None:
    process.start(tmp_path / "nowhere")
    await process.migrating.step()
    assert process.board.state.coming == ""
    assert "holds no serving.json" in process.board.state.reason
    assert process.lanes.folder == STARTED_WITH


async def test_student_of_another_model_is_given_up_for_all(
    process: Process, following: Path
) -> None:
    """Its requests, records and metrics would go on under another name."""
    alone = linear_student(following, teacher_dim=0)
    teacher = json.loads((following / "serving.json").read_text())["teacher"]
    index = {"student": alone.name, "teacher": teacher}
    (following / "serving.json").write_text(json.dumps(index))
    process.start(following)
    await process.migrating.step()
    assert process.board.state.coming == ""
    assert "the model is alone, and student is served" in process.board.state.reason


async def test_without_redis_the_same_student_goes_on(process: Process, following: Path) -> None:
    process.start(following)
    process.board.is_away = True
    await process.migrating.begin()
    with pytest.raises(StoreUnavailable):
        await process.migrating.step()
    assert process.lanes.folder == STARTED_WITH


async def test_lane_that_nobody_needs_any_more_is_closed(process: Process, following: Path) -> None:
    process.start(following)
    await process.migrating.step()
    process.board.state = process.board.state.given_up("enough")
    await process.migrating.step()
    assert process.lanes.folder == STARTED_WITH
    assert process.serving.lane.feedback.mirror is None
    assert [*process.lanes._lanes] == [STARTED_WITH]
