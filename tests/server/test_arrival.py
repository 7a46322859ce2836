"""The protocol's own answers are those of the framework, byte by byte on the wire."""

import json
import re
import socket
import time

import httpx
import pytest

from tests.bundles import NOW_MS, rank_body
from tests.server.conftest import Served
from tests.server.live import WAIT_S, live_gateway, settings_for

BODY = json.dumps(rank_body("user-1", 5, timestamp_ms=NOW_MS, request_id="r")).encode()

HEAD = (
    b"POST /v1/rank HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
)


def asked(gateway: httpx.Client, *connection: str) -> list[bytes]:
    """Requests sent at once on one connection, which the last of them closes; the answers."""
    with socket.create_connection((gateway.base_url.host, gateway.base_url.port or 80)) as wire:
        for value in connection:
            head = (
                f"POST /v1/rank HTTP/1.1\r\nHost: x\r\nConnection: {value}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
            )
            wire.sendall(head.encode() + BODY)
        said = b"".join(iter(lambda: wire.recv(65_536), b""))
    return [b"HTTP/1.1" + answer for answer in said.split(b"HTTP/1.1")[1:]]


def told(answer: bytes) -> tuple[set[bytes], bytes]:
    """Header names, and the body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert length is not None
    assert int(length[1]) == len(body)
    return {line.partition(b":")[0] for line in head.split(b"\r\n")[1:]}, body


def test_pipelined_requests_are_answered_in_order_and_alike(gateway: httpx.Client) -> None:
    answers = [told(answer) for answer in asked(gateway, "keep-alive", "keep-alive", "close")]
    assert len(answers) == 3
    assert {body for _, body in answers} == {answers[0][1]}
    assert answers[2][0] - answers[0][0] == {b"connection"}


def test_answers_are_counted_whichever_way_they_went(gateway: httpx.Client) -> None:
    def count() -> float:
        page = gateway.get("/metrics").text
        line = re.search(r'understudy_requests_total\{route="/v1/rank",status="200"\} (\S+)', page)
        return float(line[1]) if line else 0.0

    before = count()
    asked(gateway, "keep-alive", "close")
    assert count() == before + 2


def test_connection_stays_open_while_it_is_used_and_not_for_ever(served: Served) -> None:
    with (
        live_gateway(settings_for(served.student), keep_alive_s=1) as client,
        socket.create_connection((client.base_url.host, client.base_url.port or 80)) as wire,
    ):
        wire.settimeout(WAIT_S)
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            wire.sendall(HEAD + BODY)
            assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
        assert wire.recv(65_536) == b""


def test_connection_is_not_closed_in_the_middle_of_a_request(served: Served) -> None:
    with (
        live_gateway(settings_for(served.student), keep_alive_s=1) as client,
        socket.create_connection((client.base_url.host, client.base_url.port or 80)) as wire,
    ):
        wire.sendall(HEAD + BODY)
        assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
        wire.sendall(HEAD[:20])
        wire.settimeout(1.5)
        with pytest.raises(TimeoutError):
            wire.recv(1)
        wire.settimeout(WAIT_S)
        wire.sendall(HEAD[20:] + BODY)
        assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
