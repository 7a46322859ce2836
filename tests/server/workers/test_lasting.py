"""What a supervisor does when the system fails it: the workers that are well go on."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.processes import Child, ChildFailed
from server.settings import Settings
from server.workers.pulse import PulseCount
from server.workers.supervisor import Supervisor
from server.workers.worker import Worker
from tests.server.live import WAIT_S

WORKER = """
import os, socket, struct, sys, time
folder, number = sys.argv[1], int(sys.argv[2])
open(f"{folder}/{number}.sock", "w").close()
teller = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
while True:
    try:
        teller.sendto(struct.pack("<II", number, os.getpid()), f"{folder}/pulse.sock")
    except OSError:
        pass
    time.sleep(0.02)
"""
BEAT_S = 0.05


def _child(worker: Worker, env: Mapping[str, str], grace_s: float) -> Child:
    argv = (sys.executable, "-c", WORKER, str(worker.folder), str(worker.number))
    return Child(worker.name, argv, env, is_logged=False, grace_s=grace_s)


class Watched:
    """Two workers that only beat; counts the supervisor's looks at them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.looks = 0
        monkeypatch.setattr("server.processes.FIRST_DELAY_S", 0.01)
        monkeypatch.setattr("server.workers.supervisor.child_of", _child)
        monkeypatch.setattr("server.workers.supervisor.BEAT_S", BEAT_S)
        monkeypatch.setattr("server.workers.supervisor.AGAIN_S", 0.01, raising=False)
        silent = PulseCount.silent

        def counted(pulses: PulseCount, running: Mapping[int, int]) -> list[int]:
            self.looks += 1
            return silent(pulses, running)

        monkeypatch.setattr(PulseCount, "silent", counted)
        self._task = asyncio.create_task(
            Supervisor(folder, Settings(workers=2, worker_silent_s=2.0), 1).run()
        )

    def pids(self) -> dict[str, int]:
        told: dict[str, int] = json.loads((self.folder / "processes.json").read_text())["processes"]
        return told

    async def until(self, true: Callable[[], bool]) -> None:
        """Fails as soon as the supervisor ends."""
        async with asyncio.timeout(WAIT_S):
            while True:
                if self._task.done():
                    self._task.result()
                    pytest.fail("the supervisor ended")
                if true():
                    return
                await asyncio.sleep(0.01)

    async def until_watched(self, more: int = 2) -> None:
        seen = self.looks
        await self.until(lambda: self.looks >= seen + more)

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def watched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    two = Watched(folder, monkeypatch)
    try:
        yield two
    finally:
        await two.end()


async def test_worker_that_cannot_be_started_again_leaves_the_other_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with watched(tmp_path, monkeypatch) as two:
        await two.until_watched()
        before = two.pids()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", str(tmp_path / "absent"))
            os.kill(before["worker-0"], signal.SIGKILL)
            await two.until(lambda: "worker-0 could not be started" in caplog.text)
        await two.until(lambda: two.pids()["worker-0"] != before["worker-0"])
        assert two.pids()["worker-1"] == before["worker-1"]
        os.kill(before["worker-1"], 0)


async def test_worker_that_cannot_be_started_at_first_ends_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    async with watched(tmp_path, monkeypatch) as two:
        with pytest.raises(ChildFailed, match=r"worker-\d could not be started .*absent"):
            await two.until(lambda: False)


async def test_pulse_that_cannot_be_heard_at_first_is_heard_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pulse.sock").mkdir()
    async with watched(tmp_path, monkeypatch) as two:
        await two.until(lambda: "in use" in caplog.text)
        before = two.pids()
        (tmp_path / "pulse.sock").rmdir()
        await two.until_watched(10)
        os.kill(before["worker-0"], signal.SIGSTOP)
        await two.until(lambda: "worker-0 had no pulse" in caplog.text)
        await two.until(lambda: two.pids()["worker-0"] != before["worker-0"])
        assert two.pids()["worker-1"] == before["worker-1"]


async def test_mark_of_the_start_that_cannot_be_made_is_made_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "started").symlink_to(tmp_path / "absent" / "started")
    async with watched(tmp_path, monkeypatch) as two:
        await two.until(lambda: "No such file" in caplog.text)
        (tmp_path / "started").unlink()
        await two.until_watched()
        assert (tmp_path / "started").exists()


async def test_folder_that_is_taken_away_ends_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "supervisor"
    async with watched(folder, monkeypatch) as two:
        await two.until_watched()
        before = two.pids()
        shutil.rmtree(folder)
        await two.until((folder / "pulse.sock").exists)
        await two.until_watched(round(4.0 / BEAT_S))
        assert "had no pulse" not in caplog.text
        assert (folder / "started").exists()
        os.kill(before["worker-0"], signal.SIGKILL)
        await two.until((folder / "0.sock").exists)
        os.kill(before["worker-1"], 0)
