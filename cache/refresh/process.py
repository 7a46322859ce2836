"""How a backstage process lives: signals, log lines, metrics, an orderly end."""

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
import time
from typing import Any, Final

from prometheus_client import CollectorRegistry, start_http_server

from cache.errors import StoreUnavailable
from cache.refresh.consumer import Consumer
from cache.refresh.tally import Tally

REPORT_S: Final = 30.0


def say(event: str, **facts: Any) -> None:
    """One JSON line on stderr."""
    line = {"at_ms": time.time_ns() // 1_000_000, "event": event, **facts}
    sys.stderr.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stderr.flush()


def consumer_name() -> bytes:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}".encode()


def expose(tally: Tally, port: int | None) -> None:
    """/metrics of this process alone; none without a port."""
    if port is not None:
        registry = CollectorRegistry()
        registry.register(tally)
        start_http_server(port, registry=registry)


async def live(consumer: Consumer[Any], tally: Tally, role: str) -> None:
    """Runs until SIGTERM or SIGINT, which let the batch in hand be finished."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reporting = asyncio.create_task(_report(consumer, tally, role))
    try:
        await consumer.run(stop)
    finally:
        reporting.cancel()
        say(f"{role} stopped", **tally.flat())


async def _report(consumer: Consumer[Any], tally: Tally, role: str) -> None:
    said: dict[str, float] = {}
    while True:
        await asyncio.sleep(REPORT_S)
        try:
            tally.levels["backlog"] = await consumer.backlog()
        except StoreUnavailable as error:
            say(f"{role} waits", reason=str(error))
        if tally.flat() != said:
            said = tally.flat()
            say(f"{role} works", **said)
