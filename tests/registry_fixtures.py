"""Bundles to push, for every folder of tests that does."""

from pathlib import Path

import pytest

from tests.bundles import linear_student, linear_teacher
from tests.registries import KINDS


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture(scope="session")
def student(bundles: Path) -> Path:
    return linear_student(bundles)


@pytest.fixture(scope="session")
def teacher(bundles: Path) -> Path:
    return linear_teacher(bundles)


@pytest.fixture(scope="session")
def later(bundles: Path) -> Path:
    """Another version of the student."""
    return linear_student(bundles, seed=7)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)
