"""Servers that exist only as a sender: answered at once, late, or not at all."""

import asyncio
from collections.abc import Callable

import pytest

from loadtest.bench.sizes import Raw
from loadtest.connection import Answer
from loadtest.errors import GatewayUnreachable
from loadtest.open_loop import Outcome
from loadtest.peers import measure as measuring
from loadtest.peers.errors import PeerFailed
from loadtest.peers.measure import closed_loop, measure
from loadtest.peers.target import Target
from loadtest.search import Found

RAW = Raw(per_second=1000.0, p50_ms=1.0, p99_ms=1.0)


class FakeServer:
    def __init__(self, service_s: float = 0.0, status: int = 200) -> None:
        self.answered = 0
        self.opened = 0
        self._service_s = service_s
        self._status = status

    def connect(self) -> "FakeServer":
        self.opened += 1
        return self

    async def send(self, request: bytes, timeout_s: float) -> Answer:
        await asyncio.sleep(self._service_s)
        if self._status == 0:
            raise GatewayUnreachable("nobody")
        self.answered += 1
        return Answer(self._status, {}, b"")

    async def close(self) -> None:
        self.opened -= 1

    def cpu_s(self) -> float:
        return self.answered * 0.002


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "CAPACITY_S", 0.05)
    monkeypatch.setattr(measuring, "ALONE", 3)
    monkeypatch.setattr("loadtest.trial.SETTLE_S", 0.1)


def _target(server: FakeServer) -> Target:
    return Target(server.connect, [b"one", b"two"], server.cpu_s)


async def test_closed_loop_counts_every_caller() -> None:
    server = FakeServer(service_s=0.002)
    started = asyncio.get_running_loop().time()
    per_second = await closed_loop(_target(server), 8, 0.2)
    took_s = asyncio.get_running_loop().time() - started
    assert per_second * took_s > 0.9 * server.answered


def test_late_server_holds_no_rate_and_is_not_searched() -> None:
    server = FakeServer(service_s=0.03)
    measured = measure(_target(server), RAW, 0.2)
    assert measured.found == (None, [])
    assert measured.share == 0.0
    assert measured.light.outcome.intended_rate < measured.capacity
    assert server.opened == 0


def test_check_answers_without_a_search() -> None:
    measured = measure(_target(FakeServer(service_s=0.001)), RAW, 0.2, is_searched=False)
    assert measured.found.trials == []
    assert measured.light.cpu_ms == pytest.approx(2.0)
    assert measured.request_bytes == 3


def _holding_up_to(capacity: float) -> Callable[[float], Outcome]:
    return lambda rate: Outcome(rate, rate, 1.0, 1.0 if rate <= capacity else 99.0, 100, 0)


@pytest.mark.parametrize("capacity", [30.0, 100.0, 700.0])
def test_search_finds_more_than_the_closed_loop_promised(capacity: float) -> None:
    found = measuring.between(_holding_up_to(capacity), 100.0)
    assert found.best is not None
    assert 0.97 * capacity <= found.best.intended_rate <= capacity


def test_searched_server_is_measured_at_half_of_what_it_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Outcome(40.0, 40.0, 1.0, 2.0, 100, 0)
    monkeypatch.setattr(measuring, "search", lambda *_: Found(held, [held]))
    measured = measure(_target(FakeServer()), RAW, 1.0)
    assert measured.share == pytest.approx(0.04)
    assert measured.light.outcome.requests == 20


@pytest.mark.parametrize("status", [500, 0], ids=["errors", "unreachable"])
def test_server_that_answers_nothing_is_no_peer(status: int) -> None:
    server = FakeServer(status=status, service_s=0.001)
    with pytest.raises(PeerFailed, match="no answer with 200"):
        measure(_target(server), RAW, 0.1)
    assert server.opened == 0
