from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from export.triton.repository import write_repository
from export.triton.serving import Serving
from tests.server.conftest import Served, served
from tests.triton.triton_server import PYTHON, TritonServer

__all__ = ["served"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of this folder need the real server."""
    absent = pytest.mark.skip(reason=f"{PYTHON} is missing: make triton")
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.triton)
            if not PYTHON.exists():
                item.add_marker(absent)


class Exported(NamedTuple):
    """A serving folder, and its student and teacher in the repository of a live server."""

    folder: Path
    student: Path
    teacher: Path
    server: TritonServer

    def url(self, scheme: str = "triton", options: str = "") -> str:
        port = self.server.http_port if scheme == "triton+http" else self.server.grpc_port
        return f"{scheme}://localhost:{port}{options}"


def shared_regions() -> list[str]:
    """Memory of ours that is left on this host."""
    return [path.name for path in Path("/dev/shm").glob("understudy-*")]


@pytest.fixture(scope="session")
def exported(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    work = tmp_path_factory.mktemp("t")
    for bundle in (served.student, served.teacher):
        write_repository(work / "repository", bundle, Serving("python"))
    server = TritonServer(work, work / "repository")
    server.start()
    yield Exported(served.folder, served.student, served.teacher, server)
    server.kill()


@pytest.fixture
def triton(exported: Exported) -> Iterator[Exported]:
    """For a test that kills it: it is there again for the next one."""
    yield exported
    if not exported.server.is_running:
        exported.server.start()
