"""Several workers on one port, kept alive and ended together."""

import asyncio
import logging
import math
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from server.background import Background
from server.listening.port import check_free, shared_socket
from server.listening.server import IN_WORK_S
from server.open_inference.listening import GRPC_GRACE_S
from server.processes import Child, Processes
from server.settings import PREFIX, Settings
from server.workers.pulse import BEAT_S, PulseCount, listening
from server.workers.worker import Worker

POLL_S: Final = 0.1
SPARE_S: Final = 5.0
"""A worker that has not ended so long after it should have is killed."""
AGAIN_S: Final = 5.0
"""How long workers go unwatched after an error of the system."""
GIVEN: Final = ("bundle", "catalogue", "redis_url", "host", "replay", "workers")
log = logging.getLogger(__name__)


def supervise(settings: Settings) -> None:
    """Until a signal, whose drain all workers share; a second one kills them.

    Raises PortTaken, and ChildFailed when a worker ends before all listen.
    """
    check_free(settings.host, settings.port)
    with (
        tempfile.TemporaryDirectory(prefix="understudy-") as folder,
        # Held, so that a free port stays this one's while workers come and go.
        closing(shared_socket(settings.host, settings.port)) as held,
    ):
        port = held.getsockname()[1]
        log.info("%d workers on %s port %d", settings.workers, settings.host, port)
        asyncio.run(Supervisor(Path(folder), settings, port).run())


class Supervisor:
    def __init__(self, folder: Path, settings: Settings, port: int) -> None:
        self._workers = [
            Worker(folder, number, settings.workers) for number in range(settings.workers)
        ]
        env = environment(os.environ, settings, port)
        grpc_s = 0.0 if settings.grpc_port is None else GRPC_GRACE_S
        grace_s = settings.drain_s + IN_WORK_S + grpc_s + SPARE_S
        self._children = [child_of(worker, env, grace_s) for worker in self._workers]
        self._processes = Processes(folder, {"port": str(port)}, log.warning)
        self._silent_s = settings.worker_silent_s
        looks = math.ceil(self._silent_s / BEAT_S) if self._silent_s else sys.maxsize
        self._pulses = PulseCount(looks)
        self._stop = asyncio.Event()

    async def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._end)
        keepers = [asyncio.create_task(self._processes.keep(child)) for child in self._children]
        tasks: list[asyncio.Task[Any]] = [*keepers, asyncio.create_task(self._stop.wait())]
        background = Background()
        background.keep("looking after workers", self._watch())
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            await background.end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self) -> None:
        if self._stop.is_set():
            self._processes.kill()
        self._stop.set()

    async def _watch(self) -> None:
        """Goes on when its folder fails it, full or taken away: all workers may be well."""
        while True:
            try:
                await self._look_after()
            except OSError as error:
                log.error("cannot look after workers: %s; trying again in %g s", error, AGAIN_S)
                await asyncio.sleep(AGAIN_S)

    async def _look_after(self) -> None:
        """From when all listen, one that ends is started again; before, it would end again.

        Until what is in the folder is gone, by whatever cleans temporary folders: a supervisor that
        hears nobody would take every worker for one that hangs.
        """
        while not self._processes.is_ready:
            await asyncio.sleep(POLL_S)
            self._processes.is_ready = self._all_listen()
        first = self._workers[0]
        first.folder.mkdir(mode=0o700, exist_ok=True)
        first.started.touch()
        with await listening(first.pulse, self._pulses):
            await asyncio.sleep(BEAT_S)
            while first.pulse.exists() and first.started.exists():
                await self._end_hung()
                await asyncio.sleep(BEAT_S)

    async def _end_hung(self) -> None:
        """One that hangs keeps its share of the port's callers waiting, while a probe meets any
        worker, and the others are well."""
        pids = {worker.number: self._processes.pid(worker.name) for worker in self._workers}
        running = {number: pid for number, pid in pids.items() if pid is not None}
        # One a look: the others may turn again by the next.
        for number in self._pulses.silent(running)[:1]:
            name = self._workers[number].name
            await self._processes.abort(name)
            log.error("%s had no pulse for %g s: its loop or its model hangs", name, self._silent_s)

    def _all_listen(self) -> bool:
        return all(worker.socket.exists() for worker in self._workers)


def child_of(worker: Worker, env: Mapping[str, str], grace_s: float) -> Child:
    program = (sys.executable, "-m", "server.workers.process")
    argv = (*program, str(worker.folder), str(worker.number), str(worker.workers))
    return Child(worker.name, argv, env, is_logged=False, grace_s=grace_s)


def environment(outer: Mapping[str, str], settings: Settings, port: int) -> dict[str, str]:
    """The supervisor's, and what its command line said: options win over variables."""
    values = {name: getattr(settings, name) for name in GIVEN} | {"port": port}
    given = {PREFIX + name.upper(): _told(v) for name, v in values.items() if v not in (None, ())}
    return {name: value for name, value in outer.items() if name.upper() not in given} | given


def _told(value: object) -> str:
    """As a variable has it."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
