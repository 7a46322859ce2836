import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cache.embedded import EmbeddedValkey
from tests.bundles import linear_teacher, tiny_catalogue

SECONDS = 600.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--chaos-seconds", type=float, default=SECONDS, help="How long demand goes on."
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes many minutes runs only when it is asked for by its mark."""
    if "chaos" in config.getoption("-m", ""):
        return
    skipped = pytest.mark.skip(reason="takes minutes: make chaos")
    for item in items:
        if item.get_closest_marker("chaos"):
            item.add_marker(skipped)


@pytest.fixture
def chaos_seconds(pytestconfig: pytest.Config) -> float:
    return float(pytestconfig.getoption("--chaos-seconds", SECONDS))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "valkey", max_memory_mb=256) as server:
        yield server


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    teacher = linear_teacher(tmp_path)
    (tmp_path / "serving.json").write_text(json.dumps({"teacher": teacher.name}))
    tiny_catalogue().save(tmp_path / "catalogue.safetensors")
    return tmp_path
