"""The serving processes, started as anybody would start them and always stopped again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.request import urlopen

import psutil

from loadtest.errors import ProcessMissing

READY_WITHIN_S: Final = 90.0
POLL_S: Final = 0.1
CLI: Final = (sys.executable, "-m", "understudy")


class Stack(NamedTuple):
    """What `understudy up` writes into processes.json."""

    url: str
    redis_url: str
    pids: Mapping[str, int]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Stack":
        return cls(told["url"], told["redis_url"], told["processes"])

    def pid(self, name: str) -> int:
        """Raises ProcessMissing; a Redis given by URL is somebody else's and not listed."""
        if name not in self.pids:
            raise ProcessMissing(
                f"`understudy up` runs no {name} of its own: unset UNDERSTUDY_REDIS_URL"
            )
        return self.pids[name]


@contextmanager
def running_up(
    source: Path,
    state: Path,
    host: str,
    port: int,
    settings: Mapping[str, str] | None = None,
    log: Path | None = None,
    program: Sequence[str] = CLI,
    words: Sequence[str] = (),
) -> Iterator[Stack]:
    """`understudy up`, ready, accepting logged times; all of it is stopped at the end.

    `settings` are UNDERSTUDY_ variables; those of the environment win. What it says goes to `log`,
    or where our own words go. `program` stands for `understudy`; `words` are more for `up`.
    """
    arguments = ("up", "--from", str(source), "--state", str(state))
    with nullcontext() if log is None else log.open("wb") as says:
        process = subprocess.Popen(
            [*program, *arguments, "--host", host, "--port", str(port), *words],
            env={**(settings or {}), **os.environ, "UNDERSTUDY_REPLAY": "true"},
            stdout=says,
            start_new_session=True,
        )
    with stopped_at_the_end(process):
        wait_ready(f"http://{host}:{port}", process, "understudy up")
        yield Stack.of(json.loads((state / "processes.json").read_text()))


def family(pid: int) -> list[psutil.Process]:
    """With all that it started and that runs by now. Raises psutil.NoSuchProcess."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


@contextmanager
def stopped_at_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
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


def wait_ready(url: str, process: subprocess.Popen[bytes], name: str) -> None:
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
