"""A caller that leaves while it waits for the model, over a real socket."""

import socket
import threading
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest

from server.scoring import Scorer
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import WAIT_S, live_gateway, settings_for, wait_until


def send(client: httpx.Client, size: int) -> socket.socket:
    """A request on a connection of its own, its answer not waited for."""
    body = msgspec.json.encode(rank_body(f"user-{size}", size))
    head = (
        "POST /v1/rank HTTP/1.1\r\nHost: understudy\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    link = socket.create_connection((client.base_url.host, client.base_url.port or 0), WAIT_S)
    link.sendall(head.encode() + body)
    return link


def metric(client: httpx.Client, line: str) -> float:
    values = [
        row.split()[-1] for row in client.get("/metrics").text.splitlines() if row.startswith(line)
    ]
    return float(values[0]) if values else 0.0


def test_nothing_is_computed_for_a_caller_that_hung_up_in_the_queue(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    go, begun = threading.Event(), threading.Event()
    real = Scorer.score

    def score(
        self: Scorer, assembly: Any, first: int, last: int, wanted: Sequence[Any], *rest: Any
    ) -> Any:
        seen.extend(each.stop - each.start for each in assembly.parts[first:last])
        begun.set()
        assert go.wait(WAIT_S)
        return real(self, assembly, first, last, wanted, *rest)

    with live_gateway(settings_for(served.student)) as client:
        monkeypatch.setattr(Scorer, "score", score)
        monkeypatch.setattr("server.batch.LOOP_MS", 0.0)  # the loop itself must not be kept
        first = send(client, 20)
        assert begun.wait(WAIT_S)
        leaving, staying = send(client, 7), send(client, 9)
        wait_until(lambda: metric(client, "understudy_inflight_candidates ") == 36, "all to wait")
        leaving.close()
        # The gateway has read the end of that connection once it has answered another one since.
        client.get("/healthz")
        go.set()
        assert staying.recv(12) == first.recv(12) == b"HTTP/1.1 200"
        assert metric(client, 'understudy_shed_total{reason="hung_up"}') == 1
    assert seen == [20, 9]
    first.close()
    staying.close()
