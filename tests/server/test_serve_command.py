"""`understudy serve` as a process."""

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import typer

from server import serve_command
from server.settings import Settings
from tests.server.conftest import Served
from tests.server.live import WAIT_S, wait_until

ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "understudy.py"), "serve", *arguments]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def served_by(
    *arguments: str, drain_s: float = 0.0
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    port = free_port()
    given = {"UNDERSTUDY_PORT": str(port), "UNDERSTUDY_DRAIN_S": str(drain_s)}
    environment = {**os.environ, **given}
    with (
        subprocess.Popen(
            command(*arguments), env=environment, stderr=subprocess.PIPE, text=True
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=WAIT_S) as client,
    ):
        try:
            yield process, client
        finally:
            process.kill()


def answers(client: httpx.Client, path: str, status: int) -> bool:
    try:
        return client.get(path).status_code == status
    except httpx.ConnectError:
        return False


def test_serves_a_serving_folder_until_it_is_told_to_stop(served: Served) -> None:
    with served_by("--from", str(served.folder)) as (process, client):
        wait_until(lambda: answers(client, "/readyz", 200), "/readyz")
        answered = client.post("/v1/rank", json={"user_id": "u", "item_ids": ["item-1"]})
        assert answered.status_code == 200
        client.close()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, log
    assert "ready: student-" in log
    assert "Traceback" not in log


def test_second_signal_ends_it_at_once(served: Served) -> None:
    with served_by("--from", str(served.folder), drain_s=600.0) as (process, client):
        wait_until(lambda: answers(client, "/readyz", 200), "/readyz")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: answers(client, "/readyz", 503), "draining")
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == -signal.SIGTERM


def test_without_a_sound_bundle_it_stays_up_and_says_why(tmp_path: Path) -> None:
    with served_by("--bundle", str(tmp_path / "nowhere")) as (_, client):
        wait_until(lambda: answers(client, "/healthz", 200), "/healthz")
        wait_until(
            lambda: "is not a manifest" in client.get("/readyz").json()["detail"], "the reason"
        )


def test_wrong_settings_stop_the_start(tmp_path: Path) -> None:
    for environment, said in (
        ({"UNDERSTUDY_DEADLINE": "3"}, "did you mean UNDERSTUDY_DEADLINE_MS"),
        ({"UNDERSTUDY_PORT": "many"}, "port"),
    ):
        refused = subprocess.run(
            command(), env={**os.environ, **environment}, capture_output=True, text=True,
            timeout=WAIT_S, check=False,
        )  # fmt: skip
        assert refused.returncode == 2
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


def test_folder_that_cannot_be_made_ends_the_start_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(settings: Settings) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/understudy-x")

    for name in ("log_as", "allow_connections"):
        monkeypatch.setattr(serve_command, name, lambda *_: None)
    monkeypatch.setattr(serve_command, "supervise", full)
    with pytest.raises(typer.Exit):
        serve_command._supervise(Settings(workers=2))
    said = capsys.readouterr().err
    assert said.startswith("understudy serve: ")
    assert "No space left on device: '/tmp/understudy-x'" in said
