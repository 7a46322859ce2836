"""The whole loop as a nightly job runs it: real processes, a real board, and kill -9 in between."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cache.embedded import EmbeddedValkey
from export.ship.ships import alone_in
from models.data.log import Log
from tests.models.data.served.served_files import write_served

MODEL = "student"


class Job:
    """One cron line; what is served was trained on the same world's first days."""

    def __init__(self, run: Path, folder: Path, redis_url: str) -> None:
        self.out = folder / "ships"
        self.redis_url = redis_url
        served = write_served(Log.read(run.parent / "log"), folder / "served")
        self.words = [
            "--data", f"served:{served}", "--out", str(self.out), "--redis-url", redis_url,
            "--served", str(run.parent / "serving"), "--teacher", str(run), "--least", "100",
            "--train-options", "--epochs 1", "--export-options", "--requests 10",
            "--registry", str(folder / "registry"), "--most-worse-log-loss", "0.5",
        ]  # fmt: skip

    def start(self, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "understudy", "ship", *self.words, *more]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE)

    def run(self, *more: str) -> tuple[int, str]:
        process = self.start(*more)
        _, said = process.communicate(timeout=300)
        return process.returncode, said

    def step(self, name: str) -> dict[str, Any] | None:
        path = self.out / "ships" / "0001" / "steps" / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def wait_for(self, step: str, ship: subprocess.Popen[str]) -> None:
        while self.step(step) is None:
            assert ship.poll() is None, ship.communicate()
            time.sleep(0.02)

    def rollout(self, act: str) -> list[dict[str, Any]]:
        words = (act, "--redis-url", self.redis_url, "--model", MODEL, "--json")
        command = [sys.executable, "-m", "understudy", "rollout", *words]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return [json.loads(line) for line in told.splitlines()]


@pytest.fixture(scope="module")
def job(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield Job(run, tmp_path_factory.mktemp("job"), valkey.url)


@pytest.mark.slow
@pytest.mark.redis
def test_a_night_is_killed_goes_on_and_ends_as_its_one_rollout_does(job: Job) -> None:
    killed = job.start()
    job.wait_for("annotate", killed)
    time.sleep(1.0)  # well into the training
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    with alone_in(job.out):  # nothing of it is left
        assert job.step("train") is None

    watching = job.start("--watch")
    job.wait_for("rollout", watching)
    measured, pushed = job.step("measure"), job.step("push")
    assert measured is not None
    assert set(measured["figures"]) == {"with hints", "without hints"}
    assert pushed is not None
    (entry,) = job.rollout("history")
    assert (entry["candidate"], entry["to_stage"]) == (pushed["student"], "verifying")
    job.rollout("abort")
    _, said = watching.communicate(timeout=60)
    assert watching.returncode == 1, said
    assert "ship 1 goes on" in said
    assert "annotate: done before" in said
    assert "ship: rolled_back" in said

    code, said = job.run()
    assert code == 3, said
    assert "0 labelled impressions are new since the last ship" in said
    assert [each["to_stage"] for each in job.rollout("history")] == ["rolled_back", "verifying"]
