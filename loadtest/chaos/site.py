"""What is harmed: an `understudy up` of our own, and a proxy from its gateway to its Valkey."""

import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import psutil
from redis.asyncio import Redis

from loadtest.chaos.proxied import Proxied
from loadtest.errors import ProcessMissing
from loadtest.stack import Stack, family, free_port, running_up

HOST: Final = "127.0.0.1"
GATEWAY: Final = "gateway"
WORKER: Final = "worker"
SETTINGS: Final = {
    "UNDERSTUDY_WORKERS": "2",
    # A reply comes through a proxy in Python.
    "UNDERSTUDY_CACHE_TIMEOUT_MS": "20",
    # What was lost with a server's memory is asked for again within a run.
    "UNDERSTUDY_DEMAND_WINDOW_S": "1",
}


class Killed(NamedTuple):
    """A worker that ended with its connections; times are monotonic."""

    from_s: float
    at_s: float
    ports: frozenset[int]  # of its clients


class Site:
    """`killed` grows with each worker that is killed."""

    def __init__(self, state: Path, proxied: Proxied, successor: Path | None) -> None:
        self.proxied = proxied
        self.successor = successor
        self.killed: list[Killed] = []
        self._state = state
        self.url = self.stack().url

    def stack(self) -> Stack:
        """As it is now: what died has come back under another pid."""
        return Stack.of(json.loads((self._state / "processes.json").read_text()))

    def pid(self, name: str) -> int:
        """Of a worker: the one with most connections. Raises ProcessMissing."""
        return self._busiest() if name == WORKER else self.stack().pid(name)

    def pids(self, name: str) -> list[int]:
        """With all that it started."""
        return [process.pid for process in family(self.stack().pid(name))]

    def kill(self, name: str) -> None:
        """Stopped first, so that a worker takes no connection between the look and its end."""
        pid, from_s = self.pid(name), time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        ports = frozenset(self._clients(pid)) if name == WORKER else frozenset()
        os.kill(pid, signal.SIGKILL)
        if name == WORKER:
            self.killed.append(Killed(from_s, time.monotonic(), ports))

    def redis(self) -> Any:
        """One connection past the proxy, to be closed by whoever asked. redis-py types replies as
        unions of every protocol's."""
        path = self.stack().redis_url.removeprefix("unix://")
        return Redis(unix_socket_path=path, single_connection_client=True)

    def memory_mb(self) -> float:
        """Resident, of the gateway and its workers together."""
        total = 0
        for pid in self.pids(GATEWAY):
            try:
                total += int(psutil.Process(pid).memory_info().rss)
            except psutil.NoSuchProcess:  # ended since it was listed
                continue
        return total / (1 << 20)

    def said(self) -> str:
        """The gateway's log."""
        return (self._state / f"{GATEWAY}.log").read_text(errors="replace")

    def _busiest(self) -> int:
        workers = psutil.Process(self.stack().pid(GATEWAY)).children()
        if not workers:
            raise ProcessMissing("the gateway has no workers: leave UNDERSTUDY_WORKERS unset")
        busiest: int = max((worker.pid for worker in workers), key=self._connections)
        return busiest

    def _connections(self, pid: int) -> int:
        return len(self._clients(pid))

    def _clients(self, pid: int) -> list[int]:
        port = urlsplit(self.url).port
        held = psutil.Process(pid).net_connections(kind="tcp")
        return [each.raddr.port for each in held if each.raddr and each.laddr.port == port]


@contextmanager
def site(
    serving: Path, successor: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Site]:
    """Fresh, and ended with all it started. Raises ProcessMissing."""
    with ExitStack() as kept:
        # A short path: the proxy has to know where Valkey's socket will be.
        folder = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        state = folder / "live"
        proxied = Proxied(free_port(HOST), state / "valkey" / "valkey.sock")
        kept.enter_context(proxied)
        words = ("--gateway-redis-url", proxied.url)
        told = {**SETTINGS, **(settings or {})}
        kept.enter_context(
            running_up(serving, state, HOST, free_port(HOST), told, folder / "up.log", words=words)
        )
        yield Site(state, proxied, successor)
