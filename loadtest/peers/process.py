"""A peer's server: started on its core, found again whatever it forks, always stopped."""

import os
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from loadtest.bench.cores import Cores, pin
from loadtest.peers.environment import SERVERS
from loadtest.peers.errors import PeerFailed
from loadtest.peers.table import MODEL_NAME, Peer
from loadtest.stack import CLI, free_port

HOST: Final = "127.0.0.1"
MARK: Final = "PEER_MARK"
GRACE_S: Final = 20.0
KILLED_S: Final = 20.0
"""A process that was killed is there until its core has a moment for it, and holds its port."""
QUIET: Final = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


class Server(NamedTuple):
    process: subprocess.Popen[bytes]
    port: int
    grpc_port: int
    mark: str
    log: Path

    def check_alive(self) -> None:
        """Raises PeerFailed with the last line of its log."""
        ended = self.process.poll()
        if ended is not None:
            raise PeerFailed(f"ended with {ended}: {self.last_words()}; see {self.log}")

    def last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "without a word")

    def pin(self, core: int) -> None:
        pin([process.pid for process in marked(self.mark)], core)

    def cpu_s(self) -> float:
        return cpu_s(marked(self.mark))


@contextmanager
def running(
    peer: Peer, programs: Path, bundle: Path, scratch: Path, cores: Cores
) -> Iterator[Server]:
    """On its core from the start, unless it needs both until it is ready. Raises PeerFailed."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True) as short:
        names = _names(scratch.resolve(), bundle.resolve(), short)
        if peer.needs_repository:
            _write_repository(bundle, Path(names["repository"]), scratch / "repository.log")
        server = _start(peer, programs, names, _cpus(peer, cores), scratch / "server.log")
        try:
            yield server
        finally:
            _stop(server)


def _names(scratch: Path, bundle: Path, short: str) -> dict[str, str]:
    ports = {name: str(free_port(HOST)) for name in ("port", "grpc_port", "metrics_port")}
    # Ray's sockets lie in its folder, and a socket's path has at most 107 characters.
    folders = {"scratch": str(scratch), "short_scratch": short, "bundle": str(bundle)}
    return {"host": HOST, "repository": str(scratch / "repository"), **ports, **folders}


def _start(peer: Peer, programs: Path, names: Mapping[str, str], cpus: str, log: Path) -> Server:
    mark = uuid.uuid4().hex
    program, *arguments = (word.format(**names) for word in peer.command)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            ["taskset", "-c", cpus, str(programs / program), *arguments],
            cwd=SERVERS,
            env=_environ(peer, programs, names) | {MARK: mark},
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    return Server(process, int(names["port"]), int(names["grpc_port"]), mark, log)


def _cpus(peer: Peer, cores: Cores) -> str:
    return ",".join(map(str, cores if peer.starts_on_both else (cores.measured,)))


def _environ(peer: Peer, programs: Path, names: Mapping[str, str]) -> dict[str, str]:
    told = {
        "PEER_MODEL": f"{names['bundle']}/model.onnx",
        "PEER_PORT": names["port"],
        "PEER_GRPC_PORT": names["grpc_port"],
        "PEER_SCRATCH": names["scratch"],
        "PEER_REPOSITORY": names["repository"],
        "PYTHONPATH": str(SERVERS),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    own = {name: value.format(**names) for name, value in peer.settings.items()}
    return {**os.environ, **QUIET, **told, **own}


def _write_repository(bundle: Path, repository: Path, log: Path) -> None:
    command = [*CLI, "triton", str(bundle), str(repository), "--backend", "python"]
    with log.open("wb") as sink:
        done = subprocess.run(
            [*command, "--name", MODEL_NAME], stdout=sink, stderr=sink, check=False
        )
    if done.returncode:
        raise PeerFailed(f"`understudy triton` ended with {done.returncode}: see {log}")


def _stop(server: Server) -> None:
    """Some servers leave processes of other sessions behind; the mark finds them."""
    with suppress(ProcessLookupError):
        server.process.send_signal(signal.SIGTERM)
    _await_end(server, GRACE_S)
    for process in marked(server.mark):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    server.process.wait()
    _await_end(server, KILLED_S)


def _await_end(server: Server, most_s: float) -> None:
    """Of all that bear the mark."""
    until = time.monotonic() + most_s
    while marked(server.mark) and time.monotonic() < until:
        server.process.poll()
        time.sleep(0.1)


def marked(mark: str) -> list[psutil.Process]:
    """Every live process that inherited the mark, whoever its parent is by now."""
    return [process for process in psutil.process_iter() if _mark_of(process) == mark]


def _mark_of(process: psutil.Process) -> str | None:
    try:
        found: str | None = process.environ().get(MARK)
        # Last: it may end between the two.
        return None if process.status() == psutil.STATUS_ZOMBIE else found
    except psutil.Error:
        return None


def cpu_s(processes: list[psutil.Process]) -> float:
    """User and system time since they began."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total
