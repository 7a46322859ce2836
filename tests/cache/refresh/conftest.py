from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cache import record
from cache.keys import record_key
from cache.refresh.teacher import Teacher
from models.features.catalogue import Catalogue
from models.runtime import load
from tests.bundles import linear_teacher, tiny_catalogue
from tests.cache.refresh.asked import make_record
from tests.cache.refresh.live_space import LiveSpace


@pytest.fixture(scope="session")
def teacher_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linear_teacher(tmp_path_factory.mktemp("bundles"))


@pytest.fixture
def catalogue_file(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.safetensors"
    tiny_catalogue().save(path)
    return path


@pytest.fixture
def catalogue() -> Catalogue:
    return tiny_catalogue()


@pytest.fixture
def teacher(teacher_bundle: Path, catalogue: Catalogue) -> Teacher:
    return Teacher(load(teacher_bundle), catalogue, candidate_limit=64)


@pytest.fixture
async def space(redis_url: str) -> AsyncIterator[LiveSpace]:
    space = LiveSpace(redis_url)
    yield space
    await space.close()


@pytest.fixture
async def ten_users(client: Redis) -> None:
    for number in range(10):
        value = record.encode(make_record(number))
        await client.set(record_key(f"user-{number}"), value)
