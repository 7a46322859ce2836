from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from cache.embedded import EmbeddedValkey
from tests.bundles import linear_student, serving_folder, tiny_catalogue
from tests.server.live import live_gateway, settings_for


class Served(NamedTuple):
    folder: Path
    student: Path
    teacher: Path
    alone: Path


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    folder = serving_folder(tmp_path_factory.mktemp("serving"))
    named = {path.name.partition("-")[0]: path for path in folder.iterdir() if path.is_dir()}
    return Served(folder, named["student"], named["teacher"], named["alone"])


@pytest.fixture(scope="session")
def gateway(served: Served) -> Iterator[httpx.Client]:
    """A student without a cache, in replay."""
    with live_gateway(settings_for(served.student)) as client:
        yield client


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey.url


@pytest.fixture
def untaught(tmp_path: Path) -> Path:
    """A student that reads a space and says nothing of misses."""
    tiny_catalogue().save(tmp_path / "catalogue.safetensors")
    return linear_student(tmp_path, coverage_trained=None)
