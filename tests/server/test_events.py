import time
from typing import Any

import httpx
import pytest
import redis

from cache.events import decode
from cache.keys import EVENTS_STREAM
from tests.bundles import NOW_MS
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.loaded_cache import clear
from tests.server.test_redis_down import closed_port

EVENT = {"event_id": "e-1", "type": "impression", "user_id": "u", "item_id": "item-1"}


def post(client: httpx.Client, *events: dict[str, Any]) -> httpx.Response:
    return client.post("/v1/events", json={"events": list(events)})


@pytest.mark.redis
def test_accepted_events_are_in_the_stream(served: Served, redis_url: str) -> None:
    clear(redis_url)
    before_ms = time.time_ns() // 1_000_000
    click = EVENT | {"event_id": "e-2", "type": "click", "timestamp_ms": NOW_MS, "request_id": "r"}
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        answered = post(client, EVENT, click)
        assert (answered.status_code, answered.json()) == (202, {"accepted": 2})
        assert 'understudy_events_total{type="click"} 1.0' in client.get("/metrics").text
    with redis.Redis.from_url(redis_url) as direct:
        ((_, fields),) = direct.xrange(EVENTS_STREAM)
    shown, clicked = decode(next(iter(fields.values())))
    assert before_ms <= shown.timestamp_ms <= time.time_ns() // 1_000_000
    assert shown.request_id == ""
    assert clicked == ("e-2", "click", "u", "item-1", NOW_MS, "r")


def test_without_redis_the_caller_is_told_to_send_again(served: Served) -> None:
    with live_gateway(settings_for(served.student, redis_url=closed_port())) as client:
        refused = post(client, EVENT)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert "send the same batch again" in refused.json()["remedy"]


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (EVENT | {"type": "purchase"}, "events[0].type"),
        (EVENT | {"timestamp_ms": 4_000_000_000_000}, "events[0].timestamp_ms"),
        (EVENT | {"user_id": ""}, "events[0].user_id"),
        ({"type": "click"}, "events[0]"),
    ],
)
@pytest.mark.redis
def test_one_wrong_event_refuses_the_batch(
    served: Served, redis_url: str, event: dict[str, Any], field: str
) -> None:
    clear(redis_url)
    settings = settings_for(served.student, redis_url=redis_url, replay=False)
    with live_gateway(settings) as client:
        refused = post(client, event, EVENT)
    assert refused.status_code == 422
    assert refused.json()["field"] == field
    with redis.Redis.from_url(redis_url) as direct:
        assert direct.xlen(EVENTS_STREAM) == 0


def test_too_many_events_are_refused(served: Served) -> None:
    with live_gateway(settings_for(served.student, max_events=2)) as client:
        assert post(client, EVENT, EVENT, EVENT).json()["field"] == "events"
