from pathlib import Path

import pytest

from tests.export.ship.nights import Nights
from tests.export.small_serving import small_serving


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_serving(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def run(serving: Path) -> Path:
    """With `log` and `serving` beside it."""
    return serving.parent / "run"
