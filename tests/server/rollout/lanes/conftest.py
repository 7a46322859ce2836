from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cache.rollout_board import RolloutBoard
from tests.server.conftest import Served
from tests.server.rollout.lanes.process import Process, serving_of


@pytest.fixture
def following(tmp_path: Path) -> Path:
    return serving_of(tmp_path / "following")


@pytest.fixture
async def process(served: Served, board: RolloutBoard) -> AsyncIterator[Process]:
    process = Process(served.student, board)
    await process.follower.begin()
    yield process
    await process.close()
