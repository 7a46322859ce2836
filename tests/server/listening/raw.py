"""Bytes to a gateway and back, with nothing between that would put them right."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx

from server.listening.server import GatewayServer
from tests.bundles import NOW_MS, rank_body
from tests.server.live import WAIT_S, url_of, wait_until

BODY = json.dumps(rank_body("user-1", 5, timestamp_ms=NOW_MS, request_id="r")).encode()
HEAD = (
    b"POST /v1/rank HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
)
GOOD = HEAD + BODY
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Wire(NamedTuple):
    socket: socket.socket

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next one, whole; its bytes must say how long it is."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            part = self.socket.recv(1)
            assert part, f"it ended after {head!r}"
            head += part
        lines = head.decode().split("\r\n")[1:-2]
        headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
        body = b""
        while len(body) < int(headers["content-length"]):
            body += self.socket.recv(int(headers["content-length"]) - len(body))
        return int(head[9:12]), headers, body

    def rest(self) -> bytes:
        return b"".join(iter(lambda: self.socket.recv(65_536), b""))


@contextmanager
def wire_to(server: GatewayServer) -> Iterator[Wire]:
    url = httpx.URL(url_of(server))
    with socket.create_connection((url.host, url.port or 0), timeout=WAIT_S) as opened:
        yield Wire(opened)


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S).close()
    except ConnectionRefusedError:
        return True
    return False


def until_ready(server: GatewayServer) -> None:
    with httpx.Client(base_url=url_of(server), timeout=WAIT_S) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200, "/readyz")
