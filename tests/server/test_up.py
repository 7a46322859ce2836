"""`understudy up` as a process: what it starts, keeps and ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from server.listening.port import PortTaken, check_free
from server.serving_folder import open_serving_folder
from server.settings import Settings
from server.up import children
from tests.bundles import serving_folder

WAIT_S = 40.0
NAMES = {"valkey", "ingest", "refresher", "gateway"}

pytestmark = pytest.mark.redis


class Up:
    def __init__(self, folder: Path) -> None:
        self.state = folder / "live"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        command = [sys.executable, "-m", "understudy", "up", "--from", str(folder)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)], stdout=subprocess.PIPE, text=True
        )

    def until_said(self, line: str) -> None:
        assert self.process.stdout is not None
        for said in self.process.stdout:
            if said.strip() == line:
                return
        pytest.fail(f"it ended without saying {line!r}")

    def pids(self) -> dict[str, int]:
        told: dict[str, int] = json.loads((self.state / "processes.json").read_text())["processes"]
        return told

    def is_ready(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1.0) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def _running(folder: Path) -> Iterator[Up]:
    up = Up(folder)
    try:
        up.until_said("ready")
        yield up
    finally:
        up.process.kill()
        up.process.communicate()


def _is_running(pid: int) -> bool:
    """A zombie that nobody has waited for yet does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until(true: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < until, f"waited {WAIT_S:g} s for {what}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serving_folder(tmp_path_factory.mktemp("serving"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_everything_in_order(folder: Path, number: signal.Signals) -> None:
    with _running(folder) as up:
        pids = up.pids()
        assert pids.keys() == NAMES
        assert up.is_ready()
        up.process.send_signal(number)
        up.until_said("stopped")
        assert up.process.wait(WAIT_S) == 0
        assert [name for name, pid in pids.items() if _is_running(pid)] == []


def test_killed_parts_come_back_and_all_die_with_the_supervisor(folder: Path) -> None:
    with _running(folder) as up:
        before = up.pids()
        os.kill(before["gateway"], signal.SIGKILL)
        os.kill(before["valkey"], signal.SIGKILL)
        _wait_until(lambda: up.pids()["gateway"] != before["gateway"], "another gateway")
        _wait_until(lambda: up.pids()["valkey"] != before["valkey"], "another Valkey")
        _wait_until(up.is_ready, "/readyz")
        after = up.pids()
        up.process.kill()
        up.process.wait(WAIT_S)
        _wait_until(lambda: not any(map(_is_running, after.values())), "all to end")


def test_gateway_alone_may_find_redis_behind_a_proxy(folder: Path) -> None:
    wanted = children(open_serving_folder(folder), "unix:///v", Settings(), "redis://proxy:1/0")
    assert {child.name: child.env["UNDERSTUDY_REDIS_URL"] for child in wanted} == {
        "ingest": "unix:///v",
        "refresher": "unix:///v",
        "gateway": "redis://proxy:1/0",
    }


def test_bundle_that_does_not_verify_ends_it_with_the_reason(tmp_path: Path) -> None:
    folder = serving_folder(tmp_path)
    teacher = folder / json.loads((folder / "serving.json").read_text())["teacher"]
    (teacher / "model.onnx").write_bytes(b"not the graph")
    command = [sys.executable, "-m", "understudy", "up", "--from", str(folder)]
    done = subprocess.run(
        [*command, "--port", "0"], capture_output=True, text=True, check=False, timeout=WAIT_S
    )
    assert done.returncode == 1
    assert "refresher ended with 1 before everything was ready" in done.stderr
    assert "the manifest says" in done.stderr


def test_taken_port_is_refused_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port}.*--port"):
            check_free("127.0.0.1", port)


@pytest.mark.parametrize(("level", "behind"), [("error", "info"), ("debug", "debug")])
def test_what_is_read_from_logs_is_logged_at_any_level(
    folder: Path, monkeypatch: pytest.MonkeyPatch, level: str, behind: str
) -> None:
    monkeypatch.setenv("UNDERSTUDY_LOG_LEVEL", level)
    own = children(open_serving_folder(folder), "redis://x", Settings())
    levels = {child.name: child.env["UNDERSTUDY_LOG_LEVEL"] for child in own}
    assert levels == {"ingest": behind, "refresher": behind, "gateway": level}
