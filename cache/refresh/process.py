"""How a backstage process lives: signals, log lines, metrics, an orderly end."""

import asyncio
import logging
import os
import secrets
import signal
import socket
from contextlib import suppress
from itertools import count
from typing import Any, Final, Protocol

from prometheus_client import CollectorRegistry, start_http_server

from cache.errors import StoreUnavailable, TeacherHung
from cache.refresh.tally import Tally

MEASURE_S: Final = 2.0
MEASURES_A_REPORT: Final = 15
DRAIN_S: Final = 8.0
"""Less than what supervisors wait before they kill."""
HUNG: Final = 1
"""The status of a process whose teacher hangs."""
REMEDY: Final = (
    "Other refreshers take its shards; let a supervisor start it again. If it comes back to this, "
    "see what its accelerator and driver say, or let it run with --provider cpu; a run that is "
    "rightly so long wants a larger --batch-ms"
)
log = logging.getLogger(__name__)


def say(event: str, **facts: Any) -> None:
    log.info(event, extra={"facts": facts})


def warn(event: str, **facts: Any) -> None:
    log.warning(event, extra={"facts": facts})


async def at_most(seconds: float, event: asyncio.Event) -> None:
    """Waits for the event so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def consumer_name() -> bytes:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}".encode()


def expose(tally: Tally, port: int | None) -> None:
    """/metrics of this process alone; none without a port."""
    if port is not None:
        registry = CollectorRegistry()
        registry.register(tally)
        start_http_server(port, registry=registry)


class Running(Protocol):
    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, and what is in work then is finished."""
        ...

    async def measure(self) -> None:
        """Sets levels of the tally. Raises StoreUnavailable."""
        ...


async def live(work: Running, tally: Tally, role: str, within_s: float | None = None) -> None:
    """Runs until SIGTERM or SIGINT, which let the batch in hand be finished.

    Past `within_s` after the signal the process ends all the same, with 0: a thread that hangs
    cannot be ended otherwise, and what was not finished is still in its stream. A teacher that
    hangs ends it with HUNG, for a supervisor to start it again.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reporting = asyncio.create_task(_report(work, tally, role))
    abandoning = asyncio.create_task(_abandon(stop, within_s, tally, role))
    try:
        await work.run(stop)
    except TeacherHung as error:
        log.error("%s ends: %s. %s", role, error, REMEDY)
        say(f"{role} stopped", is_abandoned=True, **tally.flat())
        # What the interpreter does at its end may wait for a thread within a native call.
        os._exit(HUNG)
    finally:
        reporting.cancel()
        abandoning.cancel()
        say(f"{role} stopped", **tally.flat())


async def _abandon(stop: asyncio.Event, within_s: float | None, tally: Tally, role: str) -> None:
    await stop.wait()
    if within_s is not None:
        await asyncio.sleep(within_s)
        say(f"{role} stopped", is_abandoned=True, **tally.flat())
        os._exit(0)


async def _report(work: Running, tally: Tally, role: str) -> None:
    said: dict[str, float] = {}
    for tick in count(1):
        await asyncio.sleep(MEASURE_S)
        try:
            await work.measure()
        except StoreUnavailable as error:
            warn(f"{role} waits", reason=str(error))
        if tick % MEASURES_A_REPORT == 0 and tally.flat() != said:
            said = tally.flat()
            say(f"{role} works", **said)
