"""Valkey servers on ports of this machine, and what makes a cluster of them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from cache.embedded import LIFELINE, _server_path
from cache.slot_map import SLOTS

HOST = "127.0.0.1"
START_S = 30.0
NODE_TIMEOUT_MS = 1500


def free_ports(count: int) -> list[int]:
    held = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports


class Server:
    """Ends with this process, or when it is told to."""

    def __init__(self, folder: Path, port: int, *lines: str, is_sentinel: bool = False) -> None:
        folder.mkdir()
        self.port = port
        self._folder = folder
        self._file = folder / "server.conf"
        self._is_sentinel = is_sentinel
        own = [f"port {port}", f"bind {HOST}", f"dir {folder}", "logfile server.log"]
        plain = [] if is_sentinel else ['save ""', "appendonly no", "repl-diskless-sync-delay 0"]
        self._file.write_text("\n".join([*own, *plain, *lines]) + "\n")
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid()), _server_path()]
        mode = ["--sentinel"] if self._is_sentinel else []
        self._process = subprocess.Popen(
            [*command, str(self._file), *mode],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        wait_until(self.answers, f"the server of {self._folder} to answer")

    def answers(self) -> bool:
        try:
            return bool(self.call("PING"))
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False

    def call(self, *command: object) -> Any:
        """The bare reply."""
        with redis.Redis(HOST, self.port, socket_timeout=10.0, protocol=2) as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def move(self, port: int, bus_port: int) -> None:
        """Starts it, after a kill, at another address with what it kept on its disk."""
        moved = {"port": f"port {port}", "cluster-port": f"cluster-port {bus_port}"}
        lines = self._file.read_text().splitlines()
        self._file.write_text("\n".join(moved.get(line.split()[0], line) for line in lines) + "\n")
        self.port = port
        self.start()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


def wait_until(is_true: Any, what: str, within_s: float = START_S) -> None:
    until = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < until, f"waited {within_s:g} s for {what}"
        time.sleep(0.02)


class Cluster:
    """Three masters, each with a replica."""

    def __init__(self, servers: Sequence[Server], bus_port: int) -> None:
        """`bus_port` is that of the first server."""
        self.servers = servers
        self._bus_port = bus_port
        self._join()

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{server.port}" for server in self.servers[:3])
        return f"redis+cluster://{hosts}"

    def id_of(self, server: Server) -> str:
        return str(server.call("CLUSTER", "MYID").decode())

    def at(self, port: int) -> Server:
        return next(server for server in self.servers if server.port == port)

    def master_of(self, slot: int) -> Server:
        """As the servers that answer see it now."""
        for server in self.servers:
            if server.answers():
                for first, last, (_, port, *_), *_ in server.call("CLUSTER", "SLOTS"):
                    if first <= slot <= last:
                        return self.at(port)
        raise AssertionError(f"nobody serves slot {slot}")

    def is_whole(self) -> bool:
        """As each server sees it, replicas in their places."""
        return all(self._sees_all(server) for server in self.servers)

    def migrate(self, slot: int, to: Server, chunk: int = 1) -> Iterator[None]:
        """Key by key, as tools for resharding do it; the caller goes on between two keys."""
        source = self.master_of(slot)
        to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(to))
        yield
        while keys := source.call("CLUSTER", "GETKEYSINSLOT", slot, chunk):
            source.call("MIGRATE", HOST, to.port, "", 0, 5000, "KEYS", *keys)
            yield
        for server in (to, source):
            server.call("CLUSTER", "SETSLOT", slot, "NODE", self.id_of(to))
        yield

    def flush(self) -> None:
        for server in self.servers:
            if server.answers() and server.call("ROLE")[0] == b"master":
                server.call("FLUSHALL")

    def _sees_all(self, server: Server) -> bool:
        facts = server.call("CLUSTER", "INFO").decode()
        slots = server.call("CLUSTER", "SLOTS")
        is_settled = "cluster_state:ok" in facts and "cluster_known_nodes:6" in facts
        return is_settled and all(len(part) > 3 for part in slots)

    def _join(self) -> None:
        masters, replicas = self.servers[:3], self.servers[3:]
        for at, server in enumerate(masters):
            first, last = at * SLOTS // 3, (at + 1) * SLOTS // 3 - 1
            server.call("CLUSTER", "ADDSLOTSRANGE", first, last)
            server.call("CLUSTER", "SET-CONFIG-EPOCH", at + 1)
        for server in self.servers[1:]:
            server.call("CLUSTER", "MEET", HOST, self.servers[0].port, self._bus_port)
        for master, replica in zip(masters, replicas, strict=True):
            name = self.id_of(master)
            wait_until(lambda: self._knows(replica, name), "the nodes to meet")  # noqa: B023
            replica.call("CLUSTER", "REPLICATE", name)
        wait_until(self.is_whole, "the cluster to be whole")

    @staticmethod
    def _knows(server: Server, name: str) -> bool:
        return name in server.call("CLUSTER", "NODES").decode()


def _settings(bus_port: int, node_timeout_ms: int) -> list[str]:
    return [
        "cluster-enabled yes",
        f"cluster-port {bus_port}",
        f"cluster-node-timeout {node_timeout_ms}",
        # One master's loss costs its own slots.
        "cluster-require-full-coverage no",
        "cluster-replica-validity-factor 0",
    ]


@contextmanager
def running_cluster(
    folder: Path, *lines: str, node_timeout_ms: int = NODE_TIMEOUT_MS
) -> Iterator[Cluster]:
    ports = free_ports(12)
    servers: list[Server] = []
    try:
        for at in range(6):
            settings = [*_settings(ports[6 + at], node_timeout_ms), *lines]
            servers.append(Server(folder / f"node-{at}", ports[at], *settings))
        yield Cluster(servers, ports[6])
    finally:
        for server in servers:
            server.thaw()
            server.kill()
