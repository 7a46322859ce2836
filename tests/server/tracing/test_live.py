"""What a collector on a real socket gets of a live gateway."""

import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from server.stages import STAGES
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.tracing.collector import Collector, attributes_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
BODY = rank_body("user-1", 20)


def parent(flags: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}


@contextmanager
def traced(
    served: Served, collector: Collector, ratio: float = 1.0, **given: Any
) -> Iterator[httpx.Client]:
    settings = settings_for(
        served.student, trace_ratio=ratio, trace_endpoint=collector.url, **given
    )
    with live_gateway(settings) as client:
        yield client


def took(span: Any) -> int:
    return int(span.end_time_unix_nano - span.start_time_unix_nano)


def test_a_request_is_a_span_below_its_callers_with_its_stages(
    served: Served, collector: Collector
) -> None:
    headers = parent() | {"tracestate": "vendor=7"}
    with traced(served, collector, ratio=1e-9) as client:
        answered = client.post("/v1/rank", json=BODY, headers=headers)
        [root] = collector.roots(1)
    assert collector.paths == ["/v1/traces"]
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (TRACE, SPAN)
    assert (root.name, root.trace_state) == ("POST /v1/rank", "vendor=7")
    assert answered.headers["traceresponse"] == f"00-{TRACE}-{root.span_id.hex()}-01"
    children = collector.children(root)
    assert {child.name for child in children} == set(STAGES)
    assert {child.trace_id for child in children} == {root.trace_id}
    assert len({child.span_id for child in children} | {root.span_id}) == len(children) + 1


def test_stages_add_up_to_the_request_without_gaps(served: Served, collector: Collector) -> None:
    with traced(served, collector) as client:
        answered = client.post("/v1/rank", json=BODY)
        [root] = collector.roots(1)
    children = collector.children(root)
    assert sum(map(took, children)) == took(root) > 0
    assert children[0].start_time_unix_nano == root.start_time_unix_nano
    assert children[-1].end_time_unix_nano == root.end_time_unix_nano
    for one, other in itertools.pairwise(children):
        assert one.end_time_unix_nano == other.start_time_unix_nano
    told = answered.headers["Server-Timing"].rpartition("total;dur=")[2]
    assert abs(took(root) / 1e6 - float(told)) < 0.02


def test_a_span_says_what_was_answered_and_how_well(served: Served, collector: Collector) -> None:
    with traced(served, collector) as client:
        body = BODY | {"item_ids": [*BODY["item_ids"], "unseen"], "request_id": "r-1"}
        answered = client.post("/v1/rank", json=body).json()
        [root] = collector.roots(1)
    assert root.parent_span_id == b""
    assert root.status.code == root.status.STATUS_CODE_UNSET
    told = attributes_of(root)
    assert told["http.response.status_code"] == 200
    assert (told["http.route"], told["understudy.request_id"]) == ("/v1/rank", "r-1")
    assert told["understudy.candidates"] == 21
    for name in ("model", "version", "lane"):
        assert told[f"understudy.{name}"] == answered[name]
    for tier, share in answered["coverage"].items():
        assert told[f"understudy.coverage.{tier}"] == share
    assert "features:unknown_item" in told["understudy.degraded"]


def test_a_caller_that_is_not_traced_is_not_traced_here(
    served: Served, collector: Collector
) -> None:
    with traced(served, collector) as client:
        answered = client.post("/v1/rank", json=BODY, headers=parent("00"))
        assert "traceresponse" not in answered.headers
        client.post("/v1/rank", json=BODY, headers=parent())
        assert len(collector.roots(1)) == 1


def test_a_refusal_names_its_trace_and_is_the_callers_fault(
    served: Served, collector: Collector
) -> None:
    with traced(served, collector) as client:
        refused = client.post("/v1/rank", json={}, headers=parent())
        [root] = collector.roots(1)
    assert refused.status_code == 422
    assert refused.headers["traceresponse"] == f"00-{TRACE}-{root.span_id.hex()}-01"
    assert "trace_id" not in refused.json()
    told = attributes_of(root)
    assert (told["http.response.status_code"], told["error.type"]) == (422, "InvalidRequest")
    assert root.status.code == root.status.STATUS_CODE_UNSET


def test_a_fault_of_the_gateway_is_an_error(
    served: Served, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("its own")

    with traced(served, collector) as client:
        monkeypatch.setattr("server.answer.AnswerWriter.write", broken)
        failed = client.post("/v1/rank", json=BODY)
        [root] = collector.roots(1)
    assert failed.status_code == 500
    assert root.status.code == root.status.STATUS_CODE_ERROR
    assert attributes_of(root)["error.type"] == "ZeroDivisionError"
    assert took(root) >= sum(map(took, collector.children(root)))


def test_a_gateway_that_is_not_ready_says_so(collector: Collector) -> None:
    settings = settings_for(None, trace_ratio=1.0, trace_endpoint=collector.url).model_copy(
        update={"bundle": ()}
    )
    with live_gateway(settings, wait_ready=False) as client:
        assert client.post("/v1/rank", json=BODY).status_code == 503
        [root] = collector.roots(1)
    assert (root.status.code, root.status.message) == (root.status.STATUS_CODE_ERROR, "Not ready")


def test_a_caller_that_leaves_is_told_apart(served: Served, collector: Collector) -> None:
    with traced(served, collector) as client:
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as leaving:
            head = "POST /v1/rank HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n"
            leaving.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
        [root] = collector.roots(1)
    told = attributes_of(root)
    assert told["error.type"] == "hung_up"
    assert "http.response.status_code" not in told


def test_events_are_traced_too(served: Served, collector: Collector) -> None:
    with traced(served, collector) as client:
        event = {"event_id": "e", "type": "impression", "user_id": "u", "item_id": "i"}
        refused = client.post("/v1/events", json={"events": [event]}, headers=parent())
        [root] = collector.roots(1)
    assert refused.headers["traceresponse"] == f"00-{TRACE}-{root.span_id.hex()}-01"
    assert root.name == "POST /v1/events"
    assert attributes_of(root)["http.response.status_code"] == refused.status_code == 503
    assert root.status.code == root.status.STATUS_CODE_ERROR


@pytest.mark.redis
def test_stored_events_have_their_stages(
    served: Served, collector: Collector, redis_url: str
) -> None:
    with traced(served, collector, redis_url=redis_url) as client:
        event = {"event_id": "e", "type": "impression", "user_id": "u", "item_id": "i"}
        assert client.post("/v1/events", json={"events": [event]}).status_code == 202
        [root] = collector.roots(1)
    children = collector.children(root)
    assert [child.name for child in children] == ["queue", "decode", "cache", "encode"]
    assert sum(map(took, children)) == took(root)


def test_what_the_environment_says_of_the_exporter_holds(
    served: Served, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-tenant=ads,authorization=Bearer%20k")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ranking")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    with traced(served, collector) as client:
        client.post("/v1/rank", json=BODY)
        collector.roots(1)
    assert collector.headers[0]["x-tenant"] == "ads"
    assert collector.headers[0]["authorization"] == "Bearer k"
    [resource, *_] = collector.resources
    assert (resource["service.name"], resource["deployment.environment"]) == ("ranking", "test")
    assert resource["service.instance.id"]
