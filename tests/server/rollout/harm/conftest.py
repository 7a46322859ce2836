from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.conftest import pytest_collection_modifyitems
from tests.server.rollout.harm.kinds import good
from tests.server.rollout.harm.site import Site, opened

__all__ = ["pytest_collection_modifyitems"]


@pytest.fixture(scope="session")
def good_serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return good(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def site(good_serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("site"), good_serving, gateways=1) as site:
        yield site


@pytest.fixture(scope="module")
def large_site(good_serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("site"), good_serving, gateways=2) as site:
        yield site
