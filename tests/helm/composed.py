"""compose.yaml, and its services on this machine: their own commands and environment, with other
folders and ports."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from tests.cache.cluster.nodes import Server
from tests.helm.containerfile import ROOT
from tests.helm.live_release import WAIT_S, free_port

DEFAULTED: Final = re.compile(r"\$\{\w+:-([^}]*)\}")
"""${NAME:-default}, with nothing set."""


def compose() -> dict[str, Any]:
    text = (ROOT / "compose.yaml").read_text("utf-8")
    return dict(yaml.safe_load(DEFAULTED.sub(r"\1", text)))


SERVICES: Final[dict[str, Any]] = compose()["services"]
OURS: Final = tuple(name for name in SERVICES if name != "valkey")


class Machine:
    def __init__(self, serving: Path, folder: Path) -> None:
        self._folder = folder
        self.port, self.redis_port = free_port(), free_port()
        self._here = {
            "/serving": str(serving), "0.0.0.0": "127.0.0.1",
            "127.0.0.1:8080": f"127.0.0.1:{self.port}",
            "valkey:6379": f"127.0.0.1:{self.redis_port}",
        }  # fmt: skip
        self.valkey = Server(folder / "valkey", self.redis_port, *_lines())
        self.processes = {name: self._started(name) for name in OURS}

    def _started(self, name: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "understudy", *self.moved(SERVICES[name]["command"])],
                cwd=ROOT, env=self._env(name), stderr=log, start_new_session=True,
            )  # fmt: skip

    def _env(self, name: str) -> dict[str, str]:
        told = SERVICES[name]["environment"]
        own = dict(zip(told, self.moved(list(told.values())), strict=True))
        own |= {"UNDERSTUDY_PORT": str(self.port)} if name == "gateway" else {}
        outer = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSTUDY_")}
        return outer | own | {"XDG_CACHE_HOME": str(self._folder), "OMP_NUM_THREADS": "1"}

    def moved(self, words: Sequence[str]) -> list[str]:
        found = list(words)
        for there, here in self._here.items():
            found = [word.replace(there, here) for word in found]
        return found

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_healthy(self) -> bool:
        """By the gateway's own check."""
        kind, python, *rest = self.moved(SERVICES["gateway"]["healthcheck"]["test"])
        assert (kind, python) == ("CMD", "python")
        return (
            subprocess.run([sys.executable, *rest], capture_output=True, check=False).returncode
            == 0
        )

    def end(self) -> dict[str, int]:
        """Exit codes after SIGTERM."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        return {name: each.wait(WAIT_S) for name, each in self.processes.items()}


def _lines() -> list[str]:
    """Options of valkey-server as lines of its file."""
    server, *words = SERVICES["valkey"]["command"]
    assert server == "valkey-server"
    return [each.strip() for each in " ".join(words).split("--") if each]


@contextmanager
def composed(serving: Path, folder: Path) -> Iterator[Machine]:
    machine = Machine(serving, folder)
    try:
        yield machine
    finally:
        for process in machine.processes.values():
            process.kill()
            process.wait()
        machine.valkey.kill()
