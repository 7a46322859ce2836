"""A server over real sockets that answers every request as it is told to."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

SLATE = {"version": "v1", "coverage": {"pair": 0.75, "none": 0.25}, "degraded": []}
TIMING = b"inference;dur=1.5, total;dur=2.5"

Answering = Callable[[dict[str, Any], bytes], Any]
"""From the headers' scope and the body to an awaitable (status, slate)."""


async def at_once(scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
    return 200, SLATE


@contextmanager
def toy(answering: Answering = at_once) -> Iterator[str]:
    """Its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # Accepted sockets inherit it; asyncio sets it only on those that name their protocol, and
        # without it head and body of an answer are 40 ms apart.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(
            uvicorn.Config(_app(answering), log_level="critical", lifespan="off", ws="none")
        )
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _app(answering: Answering) -> Any:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        status, slate = await answering(scope, body)
        raw = json.dumps(slate).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(raw)).encode()),
            (b"server-timing", TIMING),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    return app
