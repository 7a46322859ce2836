"""A collector that is away, hangs or refuses costs a request nothing, and is counted."""

import logging
import time

import httpx
import pytest

from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.test_redis_down import closed_port
from tests.server.tracing.collector import Collector

BODY = rank_body("user-1", 20)
DROPPED = "understudy_spans_dropped_total"
NOWHERE = closed_port().rpartition(":")[2].partition("/")[0]


def dropped(client: httpx.Client, reason: str) -> float:
    line = f'{DROPPED}{{reason="{reason}"}} '
    rows = client.get("/metrics").text.splitlines()
    return next((float(row.removeprefix(line)) for row in rows if row.startswith(line)), -1.0)


def ranked(client: httpx.Client, count: int) -> list[float]:
    """Milliseconds each."""
    spent = []
    for _ in range(count):
        began_s = time.perf_counter()
        assert client.post("/v1/rank", json=BODY).status_code == 200
        spent.append((time.perf_counter() - began_s) * 1e3)
    return spent


def test_nobody_listens(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    settings = settings_for(
        served.student, trace_ratio=1.0, trace_endpoint=f"http://127.0.0.1:{NOWHERE}"
    )
    with caplog.at_level(logging.INFO), live_gateway(settings) as client:
        spans = dropped(client, "export_failed")
        assert spans == 0
        ranked(client, 40)
        wait_until(lambda: dropped(client, "export_failed") >= 40 * 8, "all to be dropped")
    said = [each for each in caplog.records if each.name.startswith("opentelemetry")]
    assert len(said) == 1


def test_it_takes_requests_and_says_nothing(
    served: Served, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.tracing.outbox.CAPACITY", 10)
    monkeypatch.setattr("server.tracing.outbox.CLOSE_S", 0.1)
    collector.answers.clear()
    settings = settings_for(served.student, trace_ratio=1.0, trace_endpoint=collector.url)
    with live_gateway(settings) as client:
        ranked(client, 1)
        assert collector.asked.wait(30.0)
        ranked(client, 60)
        assert dropped(client, "queue_full") >= 50 * 8
        assert dropped(client, "export_failed") == 0


def test_it_refuses_and_then_takes_them_again(
    served: Served, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 400
    settings = settings_for(served.student, trace_ratio=1.0, trace_endpoint=collector.url)
    with caplog.at_level(logging.INFO), live_gateway(settings) as client:
        ranked(client, 2)
        wait_until(lambda: dropped(client, "export_failed") > 0, "the refusal to be counted")
        collector.status = 200
        ranked(client, 1)
        collector.roots(1)
        lost = dropped(client, "export_failed")
        ranked(client, 1)
        collector.roots(2)
        assert dropped(client, "export_failed") == lost
        assert "the collector takes spans again" in caplog.text


def test_without_traces_there_is_no_series_of_them(gateway: httpx.Client) -> None:
    assert DROPPED not in gateway.get("/metrics").text
    assert "traceresponse" not in gateway.post("/v1/rank", json=BODY).headers
