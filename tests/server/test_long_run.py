"""A model that does not come back, behind a gateway on a real socket."""

import threading
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import httpx
import pytest

from server.batch import Batcher
from server.gateway import Gateway
from server.long_run import LONG_S, LOOK_S, LongRuns
from server.scoring import Scorer
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import WAIT_S, live_gateway, settings_for, wait_until
from tests.server.test_hung_up import metric, send

DEADLINE_MS = 800.0
WAITING = "understudy_inflight_candidates "
AGAIN = rank_body("user-1", 5)


class Hanging(NamedTuple):
    client: httpx.Client
    begun: threading.Event
    released: threading.Event  # what the model waits for


@pytest.fixture
def hanging(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    begun, released = threading.Event(), threading.Event()
    real = Scorer.score

    def score(self: Scorer, *of: Any) -> Any:
        begun.set()
        released.wait()
        return real(self, *of)

    with live_gateway(settings_for(served.student, deadline_ms=DEADLINE_MS)) as client:
        monkeypatch.setattr("server.batch.LOOP_MS", 0.0)  # the loop itself must not be kept
        monkeypatch.setattr(Scorer, "score", score)
        yield Hanging(client, begun, released)


def test_nobody_is_left_waiting(hanging: Hanging) -> None:
    client = hanging.client
    in_work = send(client, 20)
    assert hanging.begun.wait(WAIT_S)
    in_line = send(client, 7)
    assert [each.recv(12) for each in (in_work, in_line)] == [b"HTTP/1.1 504"] * 2
    for path in ("/readyz", "/v2/health/ready"):
        assert client.get(path).status_code == 503
    assert "has not come back" in client.get("/readyz").json()["detail"]
    for path in ("/healthz", "/v2/health/live"):
        assert client.get(path).status_code == 200  # it may still
    at_once = client.post("/v1/rank", json=AGAIN)
    assert at_once.status_code == 503
    assert at_once.headers["Retry-After"] == "1"
    assert metric(client, WAITING) == 0
    hanging.released.set()
    wait_until(lambda: client.get("/readyz").status_code == 200, "the run to end")
    wait_until(lambda: client.post("/v1/rank", json=AGAIN).status_code == 200, "an answer")
    in_work.close()
    in_line.close()


def test_gateway_ends_while_its_model_hangs(hanging: Hanging) -> None:
    in_work = send(hanging.client, 20)
    assert in_work.recv(12) == b"HTTP/1.1 504"
    in_work.close()  # and the fixture joins the gateway, with the model never released


@pytest.mark.parametrize(("silent_s", "status"), [(10.0, 503), (20.0, 200), (0.0, 200)])
def test_process_whose_model_is_gone_for_good_is_said_to_be_dead(
    served: Served, monkeypatch: pytest.MonkeyPatch, silent_s: float, status: int
) -> None:
    with live_gateway(settings_for(served.student, worker_silent_s=silent_s)) as client:
        monkeypatch.setattr(Gateway, "hung_s", 10.0 + LONG_S)
        for path in ("/healthz", "/v2/health/live"):
            assert client.get(path).status_code == status


class Slow:
    """A batcher whose run goes on."""

    def __init__(self, expected_s: float) -> None:
        self.run: Any = None
        self.run_s = 0.0
        self.is_hung = False
        self._expected_s = expected_s

    def expected_s(self, batch: object) -> float:
        return self._expected_s

    def refuse_waiting(self, *, late_only: bool) -> None:
        assert late_only


class Going(NamedTuple):
    of: tuple[()] = ()


def long_runs(slow: Slow) -> LongRuns:
    return LongRuns(cast(Batcher, slow), "slow")


def looks_until_hung(slow: Slow, at_most: int) -> int | None:
    runs = long_runs(slow)
    for look in range(at_most):
        runs.look()
        if slow.is_hung:
            return look
    return None


@pytest.mark.parametrize(("expected_s", "hung_after_s"), [(0.01, LONG_S), (2.0, 10.0)])
def test_run_is_given_several_times_what_it_was_expected_to_take(
    expected_s: float, hung_after_s: float
) -> None:
    slow = Slow(expected_s)
    slow.run = Going()
    assert looks_until_hung(slow, 100) == hung_after_s / LOOK_S


def test_runs_that_come_back_are_never_hung_however_many() -> None:
    slow = Slow(0.01)
    runs = long_runs(slow)
    for _ in range(100):
        slow.run = Going()
        runs.look()
        assert not slow.is_hung


def test_model_that_came_back_is_asked_again() -> None:
    slow = Slow(0.01)
    runs = long_runs(slow)
    slow.run = Going()
    for _ in range(10):
        runs.look()
    assert slow.is_hung
    slow.run = None
    runs.look()
    assert not slow.is_hung
