from pathlib import Path

import pytest

from tests.helm.charts import MODES, Objects, objects_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that `make check` runs, and `make test` not again."""
    for item in items:
        is_ours = Path(__file__).parent in item.path.parents
        if is_ours and item.get_closest_marker("redis") is None:
            item.add_marker("chart")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden",
        action="store_true",
        help="Write what is rendered, and the described part of the schema, as it should be.",
    )


@pytest.fixture
def is_rewriting(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--rewrite-golden", default=False))


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def objects(mode: str) -> Objects:
    return objects_of(mode)
