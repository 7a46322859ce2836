"""Child processes kept alive together: logs, restarts with back-off, one clean end."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from cache.embedded import LIFELINE

FIRST_DELAY_S: Final = 0.5
MAX_DELAY_S: Final = 30.0
STEADY_S: Final = 30.0
GRACE_S: Final = 10.0
POLL_S: Final = 0.1
LAST_WORDS_S: Final = 1.0
"""Between SIGABRT, of which Python may write where its threads are, and SIGKILL."""


class ChildFailed(Exception):
    """A child ended before the whole was ready, its last log lines quoted, or never began."""


class Child(NamedTuple):
    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    started: str = ""  # what its log says once it does its work
    niceness: int = 0  # added to the supervisor's
    is_logged: bool = True  # in a file of its own; otherwise it says what it says on our stderr
    grace_s: float | None = None  # between SIGTERM and SIGKILL; GRACE_S when None


def restart_delay_s(quick_ends: int) -> float:
    """How long to wait after the n-th end in a row of a child that lived less than STEADY_S."""
    return min(FIRST_DELAY_S * 2.0 ** max(quick_ends - 1, 0), MAX_DELAY_S)


class Processes:
    """Owns its children: runs each until `stop`, and lists them in `processes.json`.

    Before `is_ready` is set an ending child is an error, because it would end the same way again;
    afterwards it is an accident, and the child comes back after `restart_delay_s`. So is one that
    the system cannot start: the others are well, and go on.
    """

    def __init__(self, folder: Path, facts: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.is_ready = False
        self.folder = folder
        self._facts = facts
        self._say = say
        self._pids: dict[str, int] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._is_listed = True
        folder.mkdir(parents=True, exist_ok=True)

    async def keep(self, child: Child) -> None:
        """Until cancelled. Raises ChildFailed. The log of an earlier life is not kept."""
        self.log_path(child.name).unlink(missing_ok=True)
        quick_ends = 0
        while True:
            started = time.monotonic()
            fate = await self._life(child)
            if not self.is_ready:
                raise ChildFailed(self._obituary(child, fate))
            quick_ends = 1 if time.monotonic() - started > STEADY_S else quick_ends + 1
            delay_s = restart_delay_s(quick_ends)
            self._say(f"{child.name} {fate}; starting it again in {delay_s:.1f} s")
            await asyncio.sleep(delay_s)

    def note(self, name: str, pid: int | None) -> None:
        """Lists a process that somebody else keeps, or a child's new pid.

        Raises OSError before all is ready; later a list that cannot be written ends nothing.
        """
        if pid is None or self._pids.get(name) == pid:
            return
        self._pids[name] = pid
        try:
            self._write_list()
            self._is_listed = True
        except OSError as error:
            if not self.is_ready:
                raise
            if self._is_listed:
                self._say(f"cannot write processes.json ({error}): it lists earlier processes")
            self._is_listed = False

    def has_started(self, child: Child) -> bool:
        path = self.log_path(child.name)
        return path.exists() and child.started in path.read_text(errors="replace")

    def restart(self, name: str) -> None:
        """Ends it; its keeper starts it again."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pids[name], signal.SIGTERM)

    def pid(self, name: str) -> int | None:
        """None of one that has ended and is not back yet."""
        process = self._running.get(name)
        return None if process is None else process.pid

    async def abort(self, name: str) -> None:
        """Ends one that does not listen to SIGTERM; its keeper starts it again."""
        process = self._running.get(name)
        if process is None:
            return
        process.send_signal(signal.SIGABRT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_exit_code(process), LAST_WORDS_S)
            return
        process.kill()

    def kill(self) -> None:
        """All that are listed, at once."""
        for pid in self._pids.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def log_path(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    async def _life(self, child: Child) -> str:
        """What became of it."""
        try:
            return f"ended with {await self._run(child)}"
        except OSError as error:
            return f"could not be started ({error})"

    async def _run(self, child: Child) -> int:
        with self._log(child) as log:
            process = _spawn(child, log)
            try:
                _yield(process.pid, child.niceness)
                self._running[child.name] = process
                self.note(child.name, process.pid)
                return await _exit_code(process)
            finally:
                self._running.pop(child.name, None)
                await _end(process, GRACE_S if child.grace_s is None else child.grace_s)

    def _write_list(self) -> None:
        listing = self.folder / "processes.json"
        staged = listing.with_suffix(".tmp")
        staged.write_text(json.dumps({**self._facts, "processes": self._pids}, indent=1))
        staged.replace(listing)

    def _log(self, child: Child) -> AbstractContextManager[BinaryIO | None]:
        return self.log_path(child.name).open("ab") if child.is_logged else nullcontext()

    def _obituary(self, child: Child, fate: str) -> str:
        told = f"{child.name} {fate} before everything was ready."
        path = self.log_path(child.name)
        if not child.is_logged or not path.exists():
            return told
        with path.open(encoding="utf-8", errors="replace") as log:
            last = "".join(f"  {line}" for line in deque(log, maxlen=15))
        return f"{told} {path} ends:\n{last}"


def _spawn(child: Child, log: BinaryIO | None) -> subprocess.Popen[bytes]:
    """From the main thread: the lifeline hangs on it.

    Not by asyncio, which starts a thread to wait for each process: where none can be started, the
    process runs already and nobody knows it.
    """
    lifeline = (sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid()))
    return subprocess.Popen(
        [*lifeline, *child.argv],
        env=child.env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # Ctrl-C is for the supervisor, which ends children in order. A session of its own would
        # do, but Linux weighs sessions against each other and niceness within one alone.
        process_group=0,
    )


async def _exit_code(process: subprocess.Popen[bytes]) -> int:
    while True:
        code = process.poll()
        if code is not None:
            return code
        await asyncio.sleep(POLL_S)


def _yield(pid: int, niceness: int) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, own + niceness)


async def _end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """SIGTERM, and SIGKILL after `grace_s`. A process that has ended is left alone."""
    process.terminate()
    try:
        await asyncio.wait_for(_exit_code(process), grace_s)
    except TimeoutError:
        process.kill()
        await _exit_code(process)
