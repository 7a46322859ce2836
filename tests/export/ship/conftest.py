from pathlib import Path

import pytest

from export.export_command import export
from tests.export.ship.nights import Nights
from tests.trained import small_run


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `log` and `serving` beside it."""
    run = small_run(tmp_path_factory.mktemp("trained"))
    export(run, run.parent / "serving", requests=10)
    return run


@pytest.fixture(scope="session")
def serving(run: Path) -> Path:
    return run.parent / "serving"
