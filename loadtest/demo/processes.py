"""The live side of the demo: `understudy up`, and gateways beside it that only measure."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import urlopen

from loadtest.errors import ProcessMissing

READY_WITHIN_S: Final = 90.0
POLL_S: Final = 0.1
CLI: Final = (sys.executable, "-m", "understudy")


@contextmanager
def running_up(out: Path, host: str, port: int) -> Iterator[dict[str, Any]]:
    """What processes.json says, once the gateway is ready; all of it is stopped at the end."""
    env = {**os.environ, "UNDERSTUDY_REPLAY": "true"}
    arguments = ("up", "--from", str(out), "--host", host, "--port", str(port))
    process = subprocess.Popen([*CLI, *arguments], env=env, start_new_session=True)
    with _stopped_at_the_end(process):
        listing = out / "live" / "processes.json"
        _wait_ready(f"http://{host}:{port}", process, "understudy up")
        told: dict[str, Any] = json.loads(listing.read_text())
        yield told


@contextmanager
def measuring_gateways(out: Path, url: str, redis_url: str) -> Iterator[dict[str, str]]:
    """Scorer → URL of gateways on the same Redis that take no events and are not timed."""
    serving, host = out / "serving", urlsplit(url).hostname or "127.0.0.1"
    index = json.loads((serving / "serving.json").read_text())
    scorers: dict[str, dict[str, str]] = {
        "teacher": {"UNDERSTUDY_BUNDLE": str(serving / index["teacher"])},
        "student_alone": {"UNDERSTUDY_BUNDLE": str(serving / index["alone"])},
        "student_without_cache": {
            "UNDERSTUDY_BUNDLE": str(serving / index["student"]),
            "UNDERSTUDY_TEACHER_CACHE": "false",
        },
    }
    with ExitStack() as stack:
        urls, processes = {}, {}
        for name, env in scorers.items():
            port = free_port(host)
            urls[name] = f"http://{host}:{port}"
            processes[name] = stack.enter_context(
                _gateway(name, out / "live", env, host, port, redis_url)
            )
        for name, url in urls.items():
            _wait_ready(url, processes[name], name)
        yield urls


@contextmanager
def _gateway(
    name: str, folder: Path, env: Mapping[str, str], host: str, port: int, redis_url: str
) -> Iterator[subprocess.Popen[bytes]]:
    settings = {
        "UNDERSTUDY_HOST": host,
        "UNDERSTUDY_PORT": str(port),
        "UNDERSTUDY_REDIS_URL": redis_url,
        "UNDERSTUDY_REPLAY": "true",
        # These measure quality: on a busy machine they may take longer than the one that is timed.
        "UNDERSTUDY_CACHE_TIMEOUT_MS": "250",
    }
    with (folder / f"measuring-{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [*CLI, "serve"],
            env={**os.environ, **settings, **env},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with _stopped_at_the_end(process):
        yield process


@contextmanager
def _stopped_at_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port(host: str, wanted: int = 0) -> int:
    """`wanted` where nothing listens on it, any free one otherwise."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return free_port(host)
        port: int = probe.getsockname()[1]
        return port


def _wait_ready(url: str, process: subprocess.Popen[bytes], name: str) -> None:
    """Raises ProcessMissing when it ends first, or is not ready in time."""
    deadline = time.monotonic() + READY_WITHIN_S
    while not _is_ready(url):
        if process.poll() is not None:
            raise ProcessMissing(f"{name} ended with {process.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise ProcessMissing(f"{name} is not ready at {url} after {READY_WITHIN_S:.0f} s")
        time.sleep(POLL_S)


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=1.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
