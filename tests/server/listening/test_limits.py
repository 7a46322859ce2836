import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from server.listening.connection import MAX_WAITING
from server.listening.server import GatewayServer
from tests.server.conftest import Served
from tests.server.listening.raw import BODY, GOOD, HEAD, STATUS, Wire, until_ready, wire_to
from tests.server.live import live_server, settings_for, url_of, wait_until

ARRIVAL_S = 0.5
BOUND_S = 8.0
LONG = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: "


@pytest.fixture(scope="module")
def server(served: Served) -> Iterator[GatewayServer]:
    settings = settings_for(
        served.student, arrival_timeout_s=ARRIVAL_S, max_connections=5, max_body_bytes=4096
    )
    with live_server(settings, keep_alive_s=1) as server:
        until_ready(server)
        yield server
        wait_until(lambda: not server.server_state.connections, "all connections to end")
        assert not server.server_state.tasks


def refused(wire: Wire, status: int) -> dict[str, str]:
    """The connection's last answer."""
    said, headers, body = wire.answer()
    problem: dict[str, str] = json.loads(body)
    assert (said, headers["content-type"]) == (status, "application/problem+json")
    assert headers["connection"] == "close"
    assert problem["remedy"]
    assert wire.rest() == b""
    return problem


@pytest.mark.parametrize("sent", [b"", GOOD[:3], HEAD[:-5], HEAD, HEAD + BODY[:-1]])
def test_request_that_does_not_come_in_is_refused_in_time(
    server: GatewayServer, sent: bytes
) -> None:
    with wire_to(server) as wire:
        began_s = time.monotonic()
        wire.send(sent)
        if sent:
            assert f"{ARRIVAL_S:g} s" in refused(wire, 408)["detail"]
        assert wire.rest() == b""
        assert ARRIVAL_S <= time.monotonic() - began_s < BOUND_S


def test_trickle_is_no_way_around_the_time(server: GatewayServer) -> None:
    with wire_to(server) as wire:
        wire.send(GOOD)
        assert wire.answer()[0] == 200
        until = time.monotonic() + ARRIVAL_S + 0.2
        wire.send(HEAD)
        while time.monotonic() < until:
            wire.send(b" ")
            time.sleep(0.02)
        refused(wire, 408)


@pytest.mark.parametrize("parts", [1, 3, 40])
def test_head_too_large_is_refused_however_it_comes(server: GatewayServer, parts: int) -> None:
    with wire_to(server) as wire:
        wire.send(LONG)
        for _ in range(parts):
            wire.send(b"a" * (40_000 // parts))
            time.sleep(0.001)
        wire.send(b"\r\n\r\n")
        assert "UNDERSTUDY_MAX_HEAD_BYTES" in refused(wire, 431)["remedy"]


def test_many_small_headers_are_a_large_head(server: GatewayServer) -> None:
    with wire_to(server) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\n" + b"X-Y: zzzz\r\n" * 3000 + b"\r\n")
        refused(wire, 431)


def test_trailers_are_counted_too(server: GatewayServer) -> None:
    head = HEAD.replace(b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked")
    with wire_to(server) as wire:
        wire.send(head + b"1\r\n{\r\n0\r\n")
        for _ in range(12):
            wire.send(b"X-Y: z\r\n" * 100)
            time.sleep(0.005)
        refused(wire, 431)


def test_refusal_waits_for_the_answers_that_are_owed(server: GatewayServer) -> None:
    with wire_to(server) as wire:
        wire.send(GOOD + GOOD + b"\x00 nonsense\r\n\r\n")
        assert [wire.answer()[0] for _ in range(2)] == [200, 200]
        refused(wire, 400)


def test_half_a_request_behind_others_is_refused_after_them(server: GatewayServer) -> None:
    with wire_to(server) as wire:
        wire.send(GOOD + GOOD + HEAD + BODY[:-1])
        assert [wire.answer()[0] for _ in range(2)] == [200, 200]
        refused(wire, 408)


def test_body_that_is_answered_before_it_came_ends_its_connection(server: GatewayServer) -> None:
    with wire_to(server) as wire:
        wire.send(HEAD.replace(b"Length: %d" % len(BODY), b"Length: 999999999"))
        assert wire.answer()[0] == 413
        began_s = time.monotonic()
        wire.rest()
        assert time.monotonic() - began_s < BOUND_S


def test_pipeline_is_bounded(server: GatewayServer) -> None:
    with wire_to(server) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        said = wire.rest()
    statuses = STATUS.findall(said)
    assert set(statuses[:-1]) == {b"200"}
    assert statuses[-1] == b"429"
    assert MAX_WAITING <= len(statuses) < 1000


def test_connection_above_the_limit_is_told_so_and_its_place_is_freed(
    server: GatewayServer,
) -> None:
    wait_until(lambda: not server.server_state.connections, "an empty gateway")
    wires = [wire_to(server) for _ in range(5)]
    opened = [wire.__enter__() for wire in wires]
    for wire in opened:
        wire.send(GOOD[:3])
    with wire_to(server) as above:
        assert "UNDERSTUDY_MAX_CONNECTIONS" in refused(above, 503)["remedy"]
    for each in wires:
        each.__exit__(None, None, None)
    wait_until(lambda: len(server.server_state.connections) < 5, "a place")
    with wire_to(server) as wire:
        wire.send(GOOD)
        assert wire.answer()[0] == 200


def shouted_into(deaf: socket.socket) -> bool:
    """Whether the connection ended, rather than that nothing could be written for a while."""
    try:
        while True:
            deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_caller_that_does_not_read_is_left(server: GatewayServer) -> None:
    url = httpx.URL(url_of(server))
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((url.host, url.port))
        deaf.settimeout(BOUND_S)
        assert shouted_into(deaf)
    wait_until(lambda: not server.server_state.connections, "it to be left")


def test_refusals_of_the_socket_are_counted(server: GatewayServer) -> None:
    with wire_to(server) as wire:
        wire.send(b"nonsense\r\n\r\n")
        refused(wire, 400)
    page = httpx.get(f"{url_of(server)}/metrics").text
    assert 'understudy_requests_total{route="other",status="400"}' in page
    assert "understudy_connections 1.0" in page


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n"


def test_unasked_protocol_is_ignored_and_the_connection_closed(server: GatewayServer) -> None:
    with wire_to(server) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n")
        status, headers, _ = wire.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert wire.rest() == b""


def test_body_behind_an_unasked_protocol_is_not_read_as_a_request(server: GatewayServer) -> None:
    with wire_to(server) as wire:
        wire.send(HEAD.replace(b"Host: x\r\n", b"Host: x\r\n" + UPGRADE))
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert refused(wire, 400)["field"] == "Upgrade"
