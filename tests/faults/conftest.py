from collections.abc import Iterator

import pytest

from tests.faults.stage import Stage, staged


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One gateway process that lives through every fault."""
    with staged(tmp_path_factory.mktemp("faults")) as stage:
        yield stage
