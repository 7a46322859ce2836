"""The process that tries a bundle, as its gateway starts, bounds and understands it."""

import asyncio
import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from cache.embedded import LIFELINE
from server.open_lane import Source
from server.rollout.lanes.errors import TrialFailed
from server.rollout.lanes.trial_wire import Verdict
from server.settings import PREFIX, Settings
from server.wire import RankRequest

MODULE: Final = "server.rollout.lanes.trial"
ROOT: Final = Path(__file__).parents[3]
NICENESS: Final = 10
"""Added to the gateway's: what it answers comes first."""
MAX_OUTPUT: Final = 16_384
MAX_INPUT: Final = 4 << 20
SHOWN: Final = 300
"""Characters of the last line of one that crashed."""
POLL_S: Final = 0.1
_OUTWARD: Final = {
    "admin_token",
    "keys",
    "host",
    "port",
    "grpc_port",
    "workers",
    "bundle",
    "log_level",
    "log_format",
}


async def tried(
    candidate: Source,
    stable: Source,
    settings: Settings,
    requests: Sequence[RankRequest],
    timeout_s: float,
    room: int = 0,
) -> Verdict:
    """Its verdict. Cancelled, it ends the process. Raises TrialFailed."""
    asked = await asyncio.to_thread(_encoded, settings, requests, room)
    trial = Trial((sys.executable, "-m", MODULE, _named(candidate), _named(stable)), asked)
    running = asyncio.get_running_loop().run_in_executor(None, partial(trial.run, timeout_s))
    try:
        output = await asyncio.shield(running)
    except asyncio.CancelledError:
        trial.stop()
        await asyncio.wait([running])
        running.exception()  # nobody is told of it
        raise
    return _read(output)


def _encoded(settings: Settings, requests: Sequence[RankRequest], room: int = 0) -> bytes:
    """Of the latest requests as many as are small enough. Each by itself: who encodes keeps all
    other threads from running meanwhile."""
    told: dict[str, Any] = settings.model_dump(mode="json", exclude=_OUTWARD)
    kept, size = [], 0
    for request in reversed(requests):
        encoded = msgspec.json.encode(request)
        size += len(encoded)
        if size > MAX_INPUT:
            break
        kept.append(msgspec.Raw(encoded))
    return msgspec.json.encode({"settings": told, "requests": kept, "room": room})


def _named(source: Source) -> str:
    catalogue = source.catalogue
    return str(source.bundle) if catalogue is None else f"{source.bundle},{catalogue}"


def _read(output: bytes) -> Verdict:
    """Raises TrialFailed."""
    for line in reversed(output.splitlines()):  # a library may say more at the end
        with contextlib.suppress(msgspec.MsgspecError):
            return msgspec.json.decode(line, type=Verdict)
    raise TrialFailed(f"its trial said what is no verdict: {_shown(output)}")


class Trial:
    def __init__(self, command: Sequence[str], told: bytes) -> None:
        self._command = command
        self._told = told
        self._is_stopped = threading.Event()

    def stop(self) -> None:
        """From any thread."""
        self._is_stopped.set()

    def run(self, timeout_s: float) -> bytes:
        """Blocking. The end of what it said. Raises TrialFailed."""
        with tempfile.TemporaryFile() as stdin:
            stdin.write(self._told)
            stdin.seek(0)
            # Whoever started it must not outlive it: this thread waits until it is gone.
            lifeline = (sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid()))
            with subprocess.Popen(
                [*lifeline, *self._command], stdin=stdin, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, env=_environment(), process_group=0,
            ) as process:  # fmt: skip
                _yield(process.pid)
                return self._waited(process, time.monotonic() + timeout_s, timeout_s)

    def _waited(self, process: "subprocess.Popen[bytes]", until: float, timeout_s: float) -> bytes:
        try:
            output = self._heard(process, until)
            if output is None:
                raise TrialFailed(f"its trial did not end within {timeout_s:g} s")
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
        if code != 0:
            raise TrialFailed(_obituary(code, output))
        return output

    def _heard(self, process: "subprocess.Popen[bytes]", until: float) -> bytes | None:
        """The last of all that it says; None when it says more after its time."""
        assert process.stdout is not None
        tail = b""
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            while time.monotonic() < until and not self._is_stopped.is_set():
                if not ready.select(POLL_S):
                    continue
                part = os.read(process.stdout.fileno(), 1 << 16)
                if not part:
                    return tail
                tail = (tail + part)[-MAX_OUTPUT:]
        return None


def _environment() -> dict[str, str]:
    """Settings are told, whole. Their paths may be relative, so it runs where the gateway does, and
    is told where to find this code."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    found = filter(None, (str(ROOT), own.get("PYTHONPATH")))
    return {**own, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(found)}


def _yield(pid: int) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, min(own + NICENESS, 19))


def _obituary(code: int, output: bytes) -> str:
    how = f"ended with {code}" if code > 0 else f"was ended by {_signal(-code)}"
    said = _shown(output)
    return f"its trial {how}{f': {said}' if said else ''}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(output: bytes) -> bytes:
    return output.rstrip().rpartition(b"\n")[2]


def _shown(output: bytes) -> str:
    line = _last_line(output).decode(errors="replace")
    return "".join(each for each in line if each.isprintable())[:SHOWN]
