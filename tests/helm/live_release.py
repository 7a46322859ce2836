"""The processes of a rendered release on this machine: its own arguments and environment, with
other folders and ports."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from tests.helm.charts import Objects, container, env_of, pod_of

WAIT_S: Final = 60.0
ROLES: Final = ("gateway", "refresher", "ingest", "archive", "worth", "neighbours")
ROOT: Final = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def wait_until(is_true: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + WAIT_S
    while not is_true():
        assert time.monotonic() < until, f"waited {WAIT_S:g} s for {what}"
        time.sleep(0.1)


def read(url: str) -> str:
    with urlopen(url, timeout=5.0) as answer:
        return str(answer.read().decode())


def answers(url: str) -> bool:
    try:
        return bool(read(url))
    except OSError:
        return False


class Release:
    def __init__(self, objects: Objects, serving: Path, redis_url: str, log: Path) -> None:
        self._objects = objects
        self._serving = serving
        self._redis_url = redis_url
        self._log = log
        started = objects.of("Deployment")
        self.ports: dict[str, int] = {role: free_port() for role in ROLES if role in started}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        for role in self.ports:
            told = container(pod_of(self._objects, "Deployment", role), role)
            arguments = [self._here(each) for each in told["args"]]
            with (self._log / f"{role}.log").open("wb") as log:
                self.processes[role] = subprocess.Popen(
                    [sys.executable, "-m", "understudy", *arguments],
                    cwd=ROOT, env=self._env(role, told), stderr=log, start_new_session=True,
                )  # fmt: skip

    def _here(self, argument: str) -> str:
        moved = {"=/serving": f"={self._serving}", "=/archive": f"={self._log / 'archive'}"}
        for name, here in moved.items():
            argument = argument.replace(name, here)
        return argument

    def _env(self, role: str, told: dict[str, Any]) -> dict[str, str]:
        own = {name: value for name, value in env_of(told).items() if isinstance(value, str)}
        if role == "gateway":
            own |= self._objects.one("ConfigMap", "gateway")["data"]
            own |= {"UNDERSTUDY_HOST": "127.0.0.1", "UNDERSTUDY_PORT": str(self.ports[role])}
        else:
            own |= {"UNDERSTUDY_METRICS_PORT": str(self.ports[role])}
        own |= {"UNDERSTUDY_REDIS_URL": self._redis_url, "XDG_CACHE_HOME": str(self._log)}
        outer = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSTUDY_")}
        return outer | own | {"OMP_NUM_THREADS": "1"}

    def url(self, role: str) -> str:
        return f"http://127.0.0.1:{self.ports[role]}"

    def probe_path(self, probe: str) -> str:
        told = container(pod_of(self._objects, "Deployment", "gateway"), "gateway")
        return str(told[f"{probe}Probe"]["httpGet"]["path"])

    def is_ready(self) -> bool:
        """Every worker of the gateway: probes speak of one of them."""
        workers = self._objects.one("ConfigMap", "gateway")["data"]["UNDERSTUDY_WORKERS"]
        told = re.findall(
            r"^understudy_ready\S* (\S+)$", read(f"{self.url('gateway')}/metrics"), re.M
        )
        return told == ["1.0"] * int(workers)

    def page(self) -> str:
        """Of all roles."""
        return "".join(read(f"{self.url(role)}/metrics") for role in self.ports)

    def post(self, path: str, body: dict[str, Any]) -> int:
        """The status that the gateway answers."""
        connection = HTTPConnection("127.0.0.1", self.ports["gateway"], timeout=10.0)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def run_test(self, script: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """As the pod of `helm test` runs it."""
        return subprocess.run(
            [sys.executable, "-c", script],
            env={"GATEWAY_URL": self.url("gateway"), **env},
            capture_output=True, text=True, timeout=WAIT_S, check=False,
        )  # fmt: skip

    def run(self, told: dict[str, Any], serving: Path) -> subprocess.CompletedProcess[str]:
        """A container's command, on another folder."""
        service = "http://ads-understudy-gateway:8080"
        moved = {"/serving": str(serving), service: self.url("gateway"), "python": sys.executable}
        words = [*told["command"], *told["args"]]
        for name, here in moved.items():
            words = [word.replace(name, here) for word in words]
        return subprocess.run(
            words, cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S, check=False
        )

    def end(self) -> dict[str, int]:
        """Exit codes after SIGTERM."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        return {role: each.wait(WAIT_S) for role, each in self.processes.items()}


@contextmanager
def running(objects: Objects, serving: Path, redis_url: str, log: Path) -> Iterator[Release]:
    release = Release(objects, serving, redis_url, log)
    try:
        release.start()
        wait_until(lambda: answers(release.url("gateway") + release.probe_path("startup")),
                   f"the gateway of {log}")  # fmt: skip
        wait_until(release.is_ready, "its workers")
        for role in release.ports.keys() - {"gateway"}:
            wait_until(lambda: answers(f"{release.url(role)}/metrics"), f"the {role} of {log}")  # noqa: B023
        yield release
    finally:
        for process in release.processes.values():
            process.kill()
            process.wait()
