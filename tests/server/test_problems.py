"""Every refusal, over HTTP, in one shape."""

from typing import Any

import httpx
import pytest

from tests.bundles import NOW_MS, rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for

JSON = {"Content-Type": "application/json"}


def assert_problem(answered: httpx.Response, status: int, field: str | None) -> dict[str, Any]:
    assert answered.status_code == status, answered.text
    assert answered.headers["Content-Type"] == "application/problem+json"
    problem = answered.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["remedy"]
    assert problem.get("field") == field
    return dict(problem)


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"model": "other"}, 404, "model"),
        ({"task": "purchase"}, 422, "task"),
        ({"context": {"slot_width": "wide"}}, 422, "context.slot_width"),
        ({"item_ids": ["item-1", "item-1"]}, 422, "item_ids[1]"),
        ({"item_ids": [f"i-{n}" for n in range(1001)]}, 422, "item_ids"),
        ({"top_k": 0}, 422, "top_k"),
        ({"user_id": 7}, 422, "user_id"),
        ({"usr_id": "u"}, 422, "usr_id"),
        ({"deadline_ms": 0}, 422, "deadline_ms"),
        ({"padding": "x" * (1 << 20)}, 413, "Content-Length"),
    ],
)
def test_rank_refuses_with_the_field(
    gateway: httpx.Client, change: dict[str, Any], status: int, field: str
) -> None:
    answered = gateway.post("/v1/rank", json=rank_body("user-1", 5) | change)
    assert_problem(answered, status, field)


@pytest.mark.parametrize("path", ["/v1/rank", "/v1/events"])
def test_unreadable_and_unsupported_bodies(gateway: httpx.Client, path: str) -> None:
    assert_problem(gateway.post(path, content=b"{", headers=JSON), 400, None)
    yaml = {"Content-Type": "application/yaml"}
    problem = assert_problem(gateway.post(path, content=b"a: 1", headers=yaml), 415, "Content-Type")
    assert problem["value"] == "application/yaml"


def test_time_is_refused_unless_replaying(served: Served) -> None:
    with live_gateway(settings_for(served.student, replay=False)) as client:
        body = rank_body("user-1", 5, timestamp_ms=NOW_MS)
        assert_problem(client.post("/v1/rank", json=body), 422, "timestamp_ms")


def test_request_that_cannot_be_in_time_is_refused_and_counted(served: Served) -> None:
    """Shed when it would be late; past the deadline when reading it alone took the budget."""
    with live_gateway(settings_for(served.student, max_candidates=300)) as client:
        body = rank_body("user-1", 300, deadline_ms=1.0)
        padding = {f"padding-{n}": n for n in range(30_000)}
        late = client.post("/v1/rank", json=body | {"context": padding})
        assert_problem(late, 504, "deadline_ms")
        assert 'understudy_shed_total{reason="late"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "status", "field"),
    [
        ("GET", "/nowhere", 404, "path"),
        ("POST", "/v1/rank/more", 404, "path"),
        ("GET", "/v1/rank", 405, "method"),
        ("DELETE", "/v1/events", 405, "method"),
        ("POST", "/healthz", 405, "method"),
    ],
)
def test_unknown_routes_and_methods(
    gateway: httpx.Client, method: str, path: str, status: int, field: str
) -> None:
    answered = gateway.request(method, path)
    assert_problem(answered, status, field)
    assert ("Allow" in answered.headers) == (status == 405)
