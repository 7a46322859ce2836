from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cache.rollout_board import RolloutBoard
from tests.server.conftest import Served
from tests.server.rollout.lanes.process import Process, serving_of
from tests.server.rollout.lanes.promotion import serving_before


@pytest.fixture
def following(tmp_path: Path) -> Path:
    return serving_of(tmp_path / "following")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return serving_before(tmp_path / "before")


@pytest.fixture
async def process(served: Served, board: RolloutBoard) -> AsyncIterator[Process]:
    process = Process(served.student, board)
    await process.follower.begin()
    yield process
    await process.close()
