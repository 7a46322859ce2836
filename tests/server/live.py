"""A gateway on a real socket, in a thread of the test's process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from server.app import create_app
from server.listening.server import GatewayServer
from server.settings import Settings

WAIT_S = 30.0


def wait_until(true: Any, what: str) -> None:
    """Polls a real condition; fails loudly when it never comes."""
    until = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < until, f"waited {WAIT_S:g} s for {what}"
        time.sleep(0.01)


def settings_for(bundle: Path | None, **given: Any) -> Settings:
    """Generous with time: these tests are about answers, on machines that do other things."""
    patient = {"deadline_ms": 30_000.0, "cache_timeout_ms": 2_000.0, "rerank_budget_ms": 2_000.0}
    return Settings(**{"bundle": bundle, "replay": True} | patient | given)


@contextmanager
def live_server(settings: Settings, keep_alive_s: int = 5) -> Iterator[GatewayServer]:
    """Listens on a free port, which `url_of` tells; not ready yet."""
    server = GatewayServer(create_app(settings.model_copy(update={"port": 0})), keep_alive_s)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, "the gateway to listen")
        yield server
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
        assert not thread.is_alive()


def url_of(server: GatewayServer) -> str:
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


@contextmanager
def live_gateway(
    settings: Settings, wait_ready: bool = True, keep_alive_s: int = 5
) -> Iterator[httpx.Client]:
    with (
        live_server(settings, keep_alive_s) as server,
        httpx.Client(base_url=url_of(server), timeout=WAIT_S) as client,
    ):
        if wait_ready:
            wait_until(lambda: client.get("/readyz").status_code == 200, "/readyz")
        yield client
