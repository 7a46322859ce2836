import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cache.embedded import EmbeddedValkey
from tests.bundles import linear_student, linear_teacher, serving_folder, tiny_catalogue

NEXT_SPACE = "0ddba110ddba1100"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--migration-plot", type=Path, default=None, help="SVG to draw it into.")


@pytest.fixture
def plot(pytestconfig: pytest.Config) -> Path | None:
    given: Path | None = pytestconfig.getoption("--migration-plot")
    return given


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "valkey", max_memory_mb=256) as server:
        yield server


@pytest.fixture
def first(tmp_path: Path) -> Path:
    (tmp_path / "first").mkdir()
    return serving_folder(tmp_path / "first")


@pytest.fixture
def following(tmp_path: Path) -> Path:
    """Of the same width, so that only its name keeps one space from being read for the other."""
    folder = tmp_path / "following"
    folder.mkdir()
    bundles = {
        "student": linear_student(folder, space=NEXT_SPACE, seed=21),
        "teacher": linear_teacher(folder, space=NEXT_SPACE, seed=22),
    }
    (folder / "serving.json").write_text(json.dumps({r: b.name for r, b in bundles.items()}))
    tiny_catalogue().save(folder / "catalogue.safetensors")
    return folder
