"""Children that sleep, and who keeps them."""

import asyncio
import json
import os
import sys
from pathlib import Path

from server.processes import Child, Processes

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"


def child_of(name: str, code: str) -> Child:
    return Child(name, (sys.executable, "-c", code), dict(os.environ))


def processes_in(folder: Path, said: list[str] | None = None) -> Processes:
    return Processes(folder, {"redis_url": "unix:///nowhere"}, (said or []).append)


async def until_logged(processes: Processes, name: str, lines: int = 1) -> None:
    async with asyncio.timeout(20.0):
        while True:
            path = processes.log_path(name)
            if path.exists() and path.read_text().count("up") >= lines:
                return
            await asyncio.sleep(0.01)


def listed(folder: Path) -> dict[str, int]:
    told: dict[str, int] = json.loads((folder / "processes.json").read_text())["processes"]
    return told


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
