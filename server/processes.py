"""Child processes kept alive together: logs, restarts with back-off, one clean end."""

import asyncio
import contextlib
import json
import os
import signal
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
LAST_WORDS_S: Final = 1.0
"""Between SIGABRT, of which Python may write where its threads are, and SIGKILL."""


class ChildFailed(Exception):
    """A child ended before the whole was ready; its last log lines are quoted."""


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
    afterwards it is an accident, and the child comes back after `restart_delay_s`.
    """

    def __init__(self, folder: Path, facts: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.is_ready = False
        self.folder = folder
        self._facts = facts
        self._say = say
        self._pids: dict[str, int] = {}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        folder.mkdir(parents=True, exist_ok=True)

    async def keep(self, child: Child) -> None:
        """Until cancelled. Raises ChildFailed. The log of an earlier life is not kept."""
        self.log_path(child.name).unlink(missing_ok=True)
        quick_ends = 0
        while True:
            started = time.monotonic()
            code = await self._run(child)
            if not self.is_ready:
                raise ChildFailed(self._obituary(child, code))
            quick_ends = 1 if time.monotonic() - started > STEADY_S else quick_ends + 1
            delay_s = restart_delay_s(quick_ends)
            self._say(f"{child.name} ended with {code}; starting it again in {delay_s:.1f} s")
            await asyncio.sleep(delay_s)

    def note(self, name: str, pid: int | None) -> None:
        """Lists a process that somebody else keeps, or a child's new pid."""
        if pid is None or self._pids.get(name) == pid:
            return
        self._pids[name] = pid
        listing = self.folder / "processes.json"
        staged = listing.with_suffix(".tmp")
        staged.write_text(json.dumps({**self._facts, "processes": self._pids}, indent=1))
        staged.replace(listing)

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
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGABRT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), LAST_WORDS_S)
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    def kill(self) -> None:
        """All that are listed, at once."""
        for pid in self._pids.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def log_path(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    async def _run(self, child: Child) -> int:
        with self._log(child) as log:
            process = await _spawn(child, log)
            _yield(process.pid, child.niceness)
            self.note(child.name, process.pid)
            self._running[child.name] = process
            try:
                return await process.wait()
            finally:
                del self._running[child.name]
                await _end(process, GRACE_S if child.grace_s is None else child.grace_s)

    def _log(self, child: Child) -> AbstractContextManager[BinaryIO | None]:
        return self.log_path(child.name).open("ab") if child.is_logged else nullcontext()

    def _obituary(self, child: Child, code: int) -> str:
        ended = f"{child.name} ended with {code} before everything was ready."
        if not child.is_logged:
            return ended
        path = self.log_path(child.name)
        with path.open(encoding="utf-8", errors="replace") as log:
            last = "".join(f"  {line}" for line in deque(log, maxlen=15))
        return f"{ended} {path} ends:\n{last}"


async def _spawn(child: Child, log: BinaryIO | None) -> asyncio.subprocess.Process:
    """From the main thread: the lifeline hangs on it."""
    lifeline = (sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid()))
    return await asyncio.create_subprocess_exec(
        *lifeline,
        *child.argv,
        env=child.env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # Ctrl-C is for the supervisor, which ends children in order. A session of its own would
        # do, but Linux weighs sessions against each other and niceness within one alone.
        process_group=0,
    )


def _yield(pid: int, niceness: int) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, own + niceness)


async def _end(process: asyncio.subprocess.Process, grace_s: float) -> None:
    """SIGTERM, and SIGKILL after `grace_s`. A process that has ended is left alone."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), grace_s)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
