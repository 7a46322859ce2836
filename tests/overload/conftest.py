import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.overload.slow_gateway import CANDIDATES
from tests.overload.surge import Surge
from tests.server.conftest import Served, served
from tests.server.live import wait_until
from tests.server.test_serve_command import answers, free_port

__all__ = ["served"]

ROOT: Final = Path(__file__).parents[2]
ENDS_WITHIN_S: Final = 30.0


@pytest.fixture(scope="module")
def surge(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surge]:
    port = free_port()
    command = [sys.executable, "-m", "tests.overload.slow_gateway", str(served.student), str(port)]
    path = tmp_path_factory.mktemp("overload") / "gateway.log"
    with path.open("wb") as log, subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) as run:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=ENDS_WITHIN_S) as client:
                wait_until(lambda: answers(client, "/readyz", 200), "/readyz")
            yield Surge(f"http://127.0.0.1:{port}", CANDIDATES)
            run.terminate()
            assert run.wait(ENDS_WITHIN_S) in (0, -signal.SIGTERM)
        finally:
            run.kill()
    assert "Traceback" not in path.read_text()
