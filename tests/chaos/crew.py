"""Worker processes to which something happens all the time."""

import asyncio
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from tests.cache.refresh.started import Started

WORKERS = 3


class Crew:
    """Kills, freezes and ends workers at random, each alone and all at once now and then."""

    def __init__(self, url: str, serving: Path, seed: int) -> None:
        self._started = Started(url)
        self._command = (
            "refresh", "--from", str(serving), "--lease-ms", "1000", "--soft-ttl-s", "20",
        )  # fmt: skip
        self._random = random.Random(seed)
        self._workers = [self._start() for _ in range(WORKERS)]
        self.happened: Counter[str] = Counter()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; all workers are there and running then."""
        deeds: list[Callable[[int], Coroutine[Any, Any, None]]] = [
            self._kill,
            self._freeze,
            self._end,
        ]
        while not stop.is_set():
            await asyncio.sleep(self._random.uniform(0.3, 3.0))
            [deed] = self._random.choices(deeds, (6, 2, 2))
            struck = (
                range(WORKERS) if self._random.random() < 0.1 else [self._random.randrange(WORKERS)]
            )
            await asyncio.gather(*(deed(worker) for worker in struck))

    async def stop(self) -> list[int]:
        """Exit codes of all workers, told to end."""
        return list(await asyncio.gather(*(self._told_to_end(n) for n in range(WORKERS))))

    def have_ears(self, names: Iterable[bytes]) -> bool:
        """Whether every one that is alive has told its name, and so can be told to end."""
        told = {int(name.split(b"-")[-2]) for name in names}
        return told >= {worker.pid for worker in self._workers}

    def close(self) -> None:
        self._started.end()

    async def _kill(self, worker: int) -> None:
        self.happened["killed"] += 1
        await self._signal(worker, signal.SIGKILL)
        await self._again(worker)

    async def _end(self, worker: int) -> None:
        self.happened["ended"] += 1
        await self._told_to_end(worker)
        await self._again(worker)

    async def _freeze(self, worker: int) -> None:
        """Sometimes for longer than its leases last."""
        self.happened["frozen"] += 1
        await self._signal(worker, signal.SIGSTOP)
        await asyncio.sleep(self._random.uniform(0.1, 2.5))
        await self._signal(worker, signal.SIGCONT)

    async def _signal(self, worker: int, number: signal.Signals) -> None:
        self._workers[worker].send_signal(number)

    async def _told_to_end(self, worker: int) -> int:
        process = self._workers[worker]
        process.terminate()
        await asyncio.to_thread(process.communicate, timeout=60.0)
        return process.returncode

    async def _again(self, worker: int) -> None:
        await asyncio.sleep(self._random.uniform(0.0, 1.0))
        self._workers[worker] = self._start()

    def _start(self) -> subprocess.Popen[str]:
        return self._started.understudy(*self._command)
