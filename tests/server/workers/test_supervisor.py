"""`understudy serve --workers`: several processes, one port, one page of metrics."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.settings import Settings
from server.workers.supervisor import environment
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import WAIT_S, wait_until
from tests.server.test_serve_command import command

READY_WITHIN_S = 60.0
HUNG = "worker-1 had no pulse for 5 s: its loop or its model hangs"

pytestmark = pytest.mark.slow


class Supervised:
    """On a free port of its own choice, which its log tells."""

    def __init__(self, served: Served, log: Path, **settings: str) -> None:
        self._log = log
        names = {f"UNDERSTUDY_{name.upper()}": value for name, value in settings.items()}
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                command("--from", str(served.folder), "--port", "0", "--workers", "2"),
                env={**os.environ, "TMPDIR": str(log.parent)} | names,
                stderr=file,
            )

    def said(self) -> str:
        return self._log.read_text()

    @property
    def url(self) -> str:
        wait_until(lambda: re.search(r" port \d+", self.said()), "the port")
        port = re.search(r" port (\d+)", self.said())
        assert port is not None
        return f"http://127.0.0.1:{port[1]}"

    def ask(self, path: str = "/healthz") -> httpx.Response:
        """On a connection of its own, which any worker may get."""
        return httpx.get(f"{self.url}{path}", timeout=WAIT_S)

    def workers(self) -> dict[str, int]:
        """Index → pid of those that are ready and seen on a page, whoever gave it."""
        [folder] = self._log.parent.glob("understudy-*")
        pids = re.findall(r'"worker-(\d)": (\d+)', (folder / "processes.json").read_text())
        ready = {index for index, value in self.samples("understudy_ready").items() if value}
        return {index: int(pid) for index, pid in pids if index in ready}

    def samples(self, name: str, label: str = "worker", **labels: str) -> dict[str, float]:
        return {
            sample.labels[label]: sample.value
            for family in text_string_to_metric_families(self.ask("/metrics").text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        }

    def wait_ready(self) -> None:
        until = time.monotonic() + READY_WITHIN_S
        while not self._is_ready():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            return len(self.workers()) == 2
        except (httpx.ConnectError, OSError, ValueError):
            return False


@contextmanager
def supervised(served: Served, folder: Path, **settings: str) -> Iterator[Supervised]:
    run = Supervised(served, folder / "log", **settings)
    try:
        run.wait_ready()
        yield run
    finally:
        run.process.kill()
        run.process.wait(WAIT_S)


@pytest.fixture(scope="module")
def two(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised(
        served, tmp_path_factory.mktemp("two"), drain_s="600", worker_silent_s="5"
    ) as run:
        yield run


def rank(url: str) -> int:
    body = rank_body("user-1", 3, deadline_ms=30_000)
    return httpx.post(f"{url}/v1/rank", json=body, timeout=WAIT_S).status_code


def test_both_answer_and_every_answer_is_on_the_page(two: Supervised) -> None:
    url, counted = two.url, "understudy_requests_total"
    before = sum(two.samples(counted, route="/v1/rank", status="200").values())
    assert {rank(url) for _ in range(40)} == {200}
    by_worker = two.samples(counted, route="/v1/rank", status="200")
    assert sum(by_worker.values()) == before + 40
    assert min(by_worker["0"], by_worker["1"]) > 0
    assert two.samples("understudy_workers", "state") == {"answering": 2.0, "silent": 0.0}


def test_killed_worker_comes_back_while_the_other_answers(two: Supervised) -> None:
    before = two.workers()
    os.kill(before["1"], signal.SIGKILL)
    wait_until(lambda: "worker-1 ended with -9" in two.said(), "it to be missed")
    assert {rank(two.url) for _ in range(10)} == {200}
    wait_until(lambda: len(two.workers()) == 2, "another")
    after = two.workers()
    assert after["0"] == before["0"]
    assert after["1"] != before["1"]


def test_worker_that_comes_back_is_asked_nothing_before_it_can_answer(two: Supervised) -> None:
    before = two.workers()
    os.kill(before["0"], signal.SIGKILL)
    wait_until(lambda: "worker-0 ended with -9" in two.said(), "it to be missed")
    told = set()
    until = time.monotonic() + WAIT_S
    while len(two.workers()) < 2:
        assert time.monotonic() < until
        told.add(rank(two.url))
    assert told == {200}
    assert two.workers()["1"] == before["1"]


def test_worker_that_hangs_is_ended_and_comes_back(two: Supervised) -> None:
    before = two.workers()
    os.kill(before["1"], signal.SIGSTOP)
    wait_until(lambda: "worker-1 ended with -9" in two.said().partition(HUNG)[2], "its end")
    wait_until(lambda: two.workers().keys() == before.keys(), "another")
    after = two.workers()
    assert after["0"] == before["0"]
    assert after["1"] != before["1"]
    assert {rank(two.url) for _ in range(10)} == {200}


def test_second_supervisor_on_the_port_is_refused(two: Supervised, served: Served) -> None:
    port = two.url.rpartition(":")[2]
    refused = subprocess.run(
        command("--from", str(served.folder), "--port", port, "--workers", "2"),
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_signal_drains_all_workers(served: Served, tmp_path: Path) -> None:
    with supervised(served, tmp_path, drain_s="2") as run:
        url, pids = run.url, run.workers().values()
        run.process.send_signal(signal.SIGTERM)
        wait_until(lambda: run.ask("/readyz").status_code == 503, "draining")
        assert rank(url) == 200
        assert run.process.wait(WAIT_S) == 0
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        assert not list(tmp_path.glob("understudy-*"))
        assert "Traceback" not in run.said()


def test_worker_that_cannot_start_ends_the_supervisor(served: Served, tmp_path: Path) -> None:
    refused = subprocess.run(
        command("--from", str(served.folder), "--host", "192.0.2.1", "--workers", "2"),
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "cannot listen on 192.0.2.1" in refused.stderr


def test_workers_are_told_what_the_command_line_said() -> None:
    outer = {"HOME": "/h", "understudy_port": "1", "UNDERSTUDY_DRAIN_S": "3"}
    settings = Settings(host="::1", redis_url="redis://:secret@x", replay=True, workers=3)
    assert environment(outer, settings, 77) == {
        "HOME": "/h",
        "UNDERSTUDY_DRAIN_S": "3",
        "UNDERSTUDY_HOST": "::1",
        "UNDERSTUDY_PORT": "77",
        "UNDERSTUDY_REDIS_URL": "redis://:secret@x",
        "UNDERSTUDY_REPLAY": "True",
        "UNDERSTUDY_WORKERS": "3",
    }


def test_second_signal_ends_all_workers_at_once(two: Supervised) -> None:
    """The last of them: nothing answers on that port afterwards."""
    pids = two.workers().values()
    two.process.send_signal(signal.SIGTERM)
    wait_until(lambda: two.ask("/readyz").status_code == 503, "draining")
    two.process.send_signal(signal.SIGTERM)
    assert two.process.wait(WAIT_S) == 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
