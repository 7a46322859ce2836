"""What others build on, frozen: a change here is a change for them."""

import re

import httpx

from server.app import create_app
from server.settings import PREFIX, Settings

SETTINGS = [
    "BATCH_CANDIDATES",
    "BREAKER_FAILURES",
    "BREAKER_OPEN_MS",
    "BUNDLE",
    "CACHE_TIMEOUT_MS",
    "CATALOGUE",
    "DEADLINE_MS",
    "DEMAND_CAPACITY",
    "DEMAND_WINDOW_S",
    "EVENTS_MAX_SKEW_S",
    "HARD_TTL_S",
    "HOST",
    "LOG_LEVEL",
    "MAX_BODY_BYTES",
    "MAX_CANDIDATES",
    "MAX_EVENTS",
    "MAX_INFLIGHT_CANDIDATES",
    "ORT_THREADS",
    "PORT",
    "REDIS_URL",
    "REPLAY",
    "RERANK_BUDGET_MS",
    "RERANK_DEPTH",
    "SOFT_TTL_S",
    "TEACHER_CACHE",
]

METRICS = [
    "understudy_breaker_open",
    "understudy_bundle_info",
    "understudy_candidates_total",
    "understudy_degraded_total",
    "understudy_events_total",
    "understudy_inflight_candidates",
    "understudy_item_updates_total",
    "understudy_ready",
    "understudy_request_candidates",
    "understudy_requests_total",
    "understudy_shed_total",
    "understudy_stage_seconds",
    "understudy_teacher_age_seconds",
]

OPERATIONS = [
    "get /healthz",
    "get /metrics",
    "get /readyz",
    "post /v1/events",
    "post /v1/rank",
]


def test_settings() -> None:
    assert sorted(name.upper() for name in Settings.model_fields) == SETTINGS
    assert PREFIX == "UNDERSTUDY_"


def test_metrics(gateway: httpx.Client) -> None:
    """Less understudy_demand_total, which a gateway without a cache does not have."""
    page = gateway.get("/metrics").text
    names = set(re.findall(r"^# TYPE (\w+) (?:counter|gauge|histogram)$", page, re.MULTILINE))
    assert sorted(names) == METRICS


def test_operations() -> None:
    paths = create_app(Settings()).openapi()["paths"]
    assert sorted(f"{method} {path}" for path in paths for method in paths[path]) == OPERATIONS


def test_answer_headers(gateway: httpx.Client) -> None:
    answered = gateway.post("/v1/rank", json={"user_id": "u", "item_ids": ["item-1"]})
    assert set(answered.headers) == {"content-type", "content-length", "server-timing", "date"}
