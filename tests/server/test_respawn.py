"""Children that the system cannot start, or that cannot be listed."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.processes import Child, ChildFailed, Processes
from tests.server.sleeper import (
    SLEEPER,
    cancelled,
    child_of,
    listed,
    processes_in,
    until_logged,
)


async def test_child_that_cannot_be_started_at_first_is_an_error_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes, child = processes_in(tmp_path), child_of("sleeper", SLEEPER)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(
        ChildFailed,
        match=r"sleeper could not be started \(.*absent.*\) before everything was ready",
    ):
        await processes.keep(child)


async def test_child_that_cannot_be_started_again_is_tried_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.processes.FIRST_DELAY_S", 0.01)
    said: list[str] = []
    processes = Processes(tmp_path, {}, said.append)
    async with _ready(processes, child_of("sleeper", SLEEPER)) as keeper:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", str(tmp_path / "absent"))
            os.kill(listed(tmp_path)["sleeper"], signal.SIGKILL)
            await _until(lambda: keeper.done() or len(said) == 4)
        await _until(lambda: keeper.done() or processes.pid("sleeper") is not None)
        assert not keeper.done()
        await until_logged(processes, "sleeper", lines=2)
    assert said[0] == "sleeper ended with -9; starting it again in 0.0 s"
    assert all("sleeper could not be started ([Errno 2]" in line for line in said[1:4])
    assert [line.rpartition(" again ")[2] for line in said[1:4]] == [
        "in 0.0 s", "in 0.0 s", "in 0.1 s",
    ]  # fmt: skip


async def test_child_comes_back_where_no_thread_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.processes.FIRST_DELAY_S", 0.01)
    processes = processes_in(tmp_path)
    async with _ready(processes, child_of("sleeper", SLEEPER)) as keeper:
        monkeypatch.setattr("threading.Thread.start", _no_thread)
        os.kill(listed(tmp_path)["sleeper"], signal.SIGKILL)
        await _until_lived(processes, keeper, 2)


async def test_list_that_cannot_be_written_ends_the_start_and_the_process(tmp_path: Path) -> None:
    processes, child = processes_in(tmp_path), child_of("sleeper", SLEEPER)
    (tmp_path / "processes.tmp").mkdir()
    child = child._replace(argv=(*child.argv, str(tmp_path)))
    with pytest.raises(ChildFailed, match=r"sleeper could not be started \(.*processes\.tmp"):
        await processes.keep(child)
    assert not _running_with(str(tmp_path))


async def test_list_that_cannot_be_written_later_is_said_once_and_keeps_nobody_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.processes.FIRST_DELAY_S", 0.01)
    said: list[str] = []
    processes = Processes(tmp_path, {}, said.append)
    async with _ready(processes, child_of("sleeper", SLEEPER)) as keeper:
        (tmp_path / "processes.tmp").mkdir()
        for lives in (2, 3):
            os.kill(processes.pid("sleeper") or 0, signal.SIGKILL)
            await _until_lived(processes, keeper, lives)
        (tmp_path / "processes.tmp").rmdir()
        processes.note("other", 77)
        assert listed(tmp_path) == {"sleeper": processes.pid("sleeper"), "other": 77}
    assert len([line for line in said if "cannot write" in line]) == 1


@asynccontextmanager
async def _ready(processes: Processes, child: Child) -> AsyncIterator[asyncio.Task[None]]:
    keeper = asyncio.create_task(processes.keep(child))
    await until_logged(processes, child.name)
    processes.is_ready = True
    try:
        yield keeper
    finally:
        await cancelled(keeper)


async def _until_lived(processes: Processes, keeper: asyncio.Task[None], lives: int) -> None:
    log = processes.log_path("sleeper")
    await _until(lambda: keeper.done() or log.read_text().count("up") == lives)
    assert not keeper.done()


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20.0):
        while True:
            if true():
                return
            await asyncio.sleep(0.01)


def _no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def _running_with(word: str) -> list[str]:
    """Processes that were given it."""
    lines = [_command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    return [line for line in lines if word in line.split("\0")]


def _command_line(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
