from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cache.connection import connect
from cache.embedded import EmbeddedValkey


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey") / "data", max_memory_mb=64) as server:
        yield server


@pytest.fixture
async def client(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    """On an empty server, of which nobody else has a part."""
    client = connect(valkey.url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def redis_url(valkey: EmbeddedValkey, client: Redis) -> str:
    return valkey.url


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    return tmp_path / "valkey"
