"""A model that does not come back, behind a gateway on a real socket."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from server.gateway import Gateway
from server.long_run import LONG_S
from server.scoring import Scorer
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import WAIT_S, live_gateway, settings_for, wait_until
from tests.server.test_hung_up import metric, send

DEADLINE_MS = 200.0
WAITING = "understudy_inflight_candidates "


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What the model waits for."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def hanging(
    served: Served, monkeypatch: pytest.MonkeyPatch, released: threading.Event
) -> Iterator[httpx.Client]:
    real = Scorer.score

    def score(self: Scorer, *of: Any) -> Any:
        assert released.wait(WAIT_S)
        return real(self, *of)

    with live_gateway(settings_for(served.student, deadline_ms=DEADLINE_MS)) as client:
        monkeypatch.setattr("server.batch.LOOP_MS", 0.0)  # the loop itself must not be kept
        monkeypatch.setattr(Scorer, "score", score)
        yield client
        released.set()  # the gateway ends after the run


def test_nobody_is_left_waiting(hanging: httpx.Client, released: threading.Event) -> None:
    in_work = send(hanging, 20)
    wait_until(lambda: metric(hanging, WAITING) == 20, "it to be in work")
    in_line = send(hanging, 7)
    assert [each.recv(12) for each in (in_work, in_line)] == [b"HTTP/1.1 504"] * 2
    refused = hanging.get("/readyz")
    assert refused.status_code == 503
    assert "has not come back" in refused.json()["detail"]
    assert hanging.get("/healthz").status_code == 200  # it may still
    released.set()
    wait_until(lambda: hanging.get("/readyz").status_code == 200, "the run to end")
    again = rank_body("user-1", 5)
    wait_until(lambda: hanging.post("/v1/rank", json=again).status_code == 200, "an answer")
    in_work.close()
    in_line.close()


@pytest.mark.parametrize(("silent_s", "status"), [(10.0, 503), (20.0, 200), (0.0, 200)])
def test_process_whose_model_is_gone_for_good_is_said_to_be_dead(
    served: Served, monkeypatch: pytest.MonkeyPatch, silent_s: float, status: int
) -> None:
    with live_gateway(settings_for(served.student, worker_silent_s=silent_s)) as client:
        monkeypatch.setattr(Gateway, "run_s", 10.0 + LONG_S)
        answer = client.get("/healthz")
        assert answer.status_code == status
        assert status == 200 or "restart" in answer.json()["remedy"]
