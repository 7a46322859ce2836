"""A gateway process, a server and the proxy between them, with a page for every user."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from cache.events import decode
from cache.keys import EVENTS_STREAM, page_key
from tests.bundles import ITEMS, SPACE, USERS, serving_folder, tiny_users
from tests.faults.gateway import GatewayProcess
from tests.faults.loop_thread import LoopThread
from tests.faults.proxy import Proxy
from tests.faults.server import Server
from tests.server.loaded_cache import page_of, records_of, write

DEMAND_CAPACITY: Final = 8
CACHE_TIMEOUT_MS: Final = 20.0
"""Twice the default: a reply comes through a proxy of Python, on a busy machine."""
SETTINGS: Final = {
    "UNDERSTUDY_CACHE_TIMEOUT_MS": str(CACHE_TIMEOUT_MS),
    "UNDERSTUDY_SOFT_TTL_S": "80000",
    "UNDERSTUDY_DEMAND_CAPACITY": str(DEMAND_CAPACITY),
    "UNDERSTUDY_SERVED_SHARE": "0.2",
    "UNDERSTUDY_SERVED_CAPACITY": "8",
}
DIM: Final = 8


@dataclass(frozen=True)
class Stage:
    thread: LoopThread
    server: Server
    proxy: Proxy
    gateway: GatewayProcess


def fill(server: Server) -> None:
    """Every item of every user has a hint: a healthy answer misses nothing."""
    rng, now_ms = np.random.default_rng(7), time.time_ns() // 1_000_000
    items = [f"item-{number}" for number in range(ITEMS)]
    values = records_of(tiny_users())
    for user in range(USERS):
        z = rng.normal(size=(ITEMS, DIM)).astype(np.float32)
        logit = rng.normal(size=(ITEMS, 2)).astype(np.float32)
        values |= page_of(f"user-{user}", items, z, logit, now_ms)
    write(f"unix://{server.socket}", values)


def stored_events(server: Server) -> set[str]:
    messages = server.ask("XRANGE", EVENTS_STREAM, "-", "+")
    return {event.event_id for _, fields in messages for event in decode(fields[b"b"])}


def page_keys() -> list[bytes]:
    return [page_key(f"user-{user}", SPACE) for user in range(USERS)]


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    with ExitStack() as ending:
        thread = ending.enter_context(LoopThread())
        server = Server(folder / "valkey")
        server.start()
        ending.callback(server.stop)
        fill(server)
        proxy = Proxy(thread, server.socket)
        proxy.start()
        ending.callback(proxy.stop)
        serving = folder / "serving"
        serving.mkdir()
        gateway = GatewayProcess(
            serving_folder(serving), proxy.url, folder / "gateway.log", SETTINGS
        )
        ending.callback(gateway.stop)
        gateway.wait_ready()
        yield Stage(thread, server, proxy, gateway)
        assert gateway.is_alive
        assert "Traceback" not in gateway.said()
