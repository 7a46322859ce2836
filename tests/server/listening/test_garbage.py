"""What ended is gone: a gateway's collector rests, and what waits for it is memory that grows."""

import gc
import logging
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from server.admission import Admission, late
from server.assembly import Assembler
from server.errors import DeadlineExceeded
from server.listening.server import GatewayServer
from tests.server.conftest import Served
from tests.server.listening.raw import BODY, GOOD, HEAD, Wire, until_ready, wire_to
from tests.server.live import live_server, settings_for, wait_until

LONG_WAY = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
NO_HTTP = b"no HTTP at all\r\n\r\n"
REQUESTS = 30


@pytest.fixture(scope="module")
def server(served: Served) -> Iterator[GatewayServer]:
    with live_server(settings_for(served.student)) as server:
        until_ready(server)
        yield server


@pytest.fixture
def _resting() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def answered(wire: Wire, sent: bytes, times: int) -> None:
    wire.send(sent)
    for _ in range(times):
        wire.answer()


@pytest.mark.usefixtures("_resting")
@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        (b"", 0),
        (HEAD[:-5], 0),
        (HEAD + BODY[:-1], 0),
        (GOOD, 1),
        (GOOD, 0),
        (GOOD + GOOD + GOOD, 3),
        (GOOD + GOOD + GOOD, 0),
        (LONG_WAY, 1),
        (NO_HTTP, 1),
    ],
    ids=["silent", "head", "body", "answered", "hung-up", "pipelined", "left", "routed", "refused"],
)
def test_connection_that_ended_is_not_left_to_the_collector(
    server: GatewayServer, sent: bytes, answers: int, caplog: pytest.LogCaptureFixture
) -> None:
    state = server.server_state
    wait_until(lambda: not state.connections, "earlier ones to end")
    with wire_to(server) as wire:
        wait_until(lambda: state.connections, "the connection")
        connection = weakref.ref(next(iter(state.connections)))
        answered(wire, sent, answers)
    wait_until(lambda: connection() is None, "the connection to be gone")
    assert not [each for each in caplog.records if each.name in ("asyncio", "uvicorn.error")]


def too_late(self: Admission, candidates: int, clock: Any, deadline_ms: float, when: str) -> None:
    raise late(deadline_ms, when)


class Broken(Exception):
    pass


def fault(*_: Any) -> None:
    raise Broken


@pytest.mark.usefixtures("_resting")
@pytest.mark.parametrize(
    ("of", "name", "broken", "status"),
    [(Admission, "check_left", too_late, 504), (Assembler, "assemble", fault, 500)],
    ids=["turn", "model"],
)
def test_request_that_failed_is_not_left_to_the_collector(
    server: GatewayServer,
    monkeypatch: pytest.MonkeyPatch,
    of: type,
    name: str,
    caplog: pytest.LogCaptureFixture,
    broken: Callable[..., None],
    status: int,
) -> None:
    """Its error comes by a future, whose frame the error holds."""
    caplog.set_level(logging.CRITICAL)  # what is captured keeps the errors
    monkeypatch.setattr("server.batch.LOOP_MS", 0.0)  # by way of the thread
    monkeypatch.setattr(of, name, broken)
    with wire_to(server) as wire:
        for _ in range(REQUESTS):
            wire.send(GOOD)
            assert wire.answer()[0] == status
    # By type: `isinstance` asks objects for their class, and some answer with a warning.
    errors = [each for each in gc.get_objects() if type(each) in {Broken, DeadlineExceeded}]
    assert len(errors) <= 1  # the last may be in hand
