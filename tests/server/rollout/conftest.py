from collections.abc import AsyncIterator
from typing import Any

import pytest

from cache.connection import connect
from cache.rollout_board import RolloutBoard


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    """On an empty server."""
    client = connect(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def board(client: Any) -> RolloutBoard:
    return RolloutBoard(client, "student")
