from pathlib import Path

import pytest

from cache.refresh.teacher import Teacher
from models.features.catalogue import Catalogue
from models.runtime import load
from tests.bundles import linear_teacher, tiny_catalogue


@pytest.fixture(scope="session")
def teacher_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linear_teacher(tmp_path_factory.mktemp("bundles"))


@pytest.fixture
def catalogue() -> Catalogue:
    return tiny_catalogue()


@pytest.fixture
def teacher(teacher_bundle: Path, catalogue: Catalogue) -> Teacher:
    return Teacher(load(teacher_bundle), catalogue, candidate_limit=64)
