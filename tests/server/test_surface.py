"""What others build on, frozen: a change here is a change for them."""

import re

import httpx
from pydantic import SecretStr

from server.app import create_app
from server.settings import PREFIX, Settings

SETTINGS = [
    "ADMIN_TOKEN",
    "ARRIVAL_TIMEOUT_S",
    "BATCH_CANDIDATES",
    "BREAKER_FAILURES",
    "BREAKER_OPEN_MS",
    "BUNDLE",
    "CACHE_TIMEOUT_MS",
    "CATALOGUE",
    "COVERAGE_OBJECTIVE",
    "CUDA_GRAPHS",
    "DEADLINE_MS",
    "DEMAND_CAPACITY",
    "DEMAND_HITS",
    "DEMAND_WINDOW_S",
    "DRAIN_S",
    "EVENTS_MAX_SKEW_S",
    "GRPC_PORT",
    "HARD_TTL_S",
    "HOST",
    "KEYS",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "MAX_BODY_BYTES",
    "MAX_CANDIDATES",
    "MAX_CONNECTIONS",
    "MAX_EVENTS",
    "MAX_HEAD_BYTES",
    "MAX_INFLIGHT_CANDIDATES",
    "ORT_THREADS",
    "PAIR_COVERAGE_OBJECTIVE",
    "PORT",
    "PROVIDER",
    "PROVIDER_FALLBACK",
    "REDIS_URL",
    "REGISTRY",
    "REGISTRY_CACHE",
    "REGISTRY_CACHE_GIB",
    "REPLAY",
    "RERANK_BUDGET_MS",
    "RERANK_DEPTH",
    "SERVED_BACKLOG",
    "SERVED_CAPACITY",
    "SERVED_SHARE",
    "SLOW_INPUTS",
    "SLOW_KEPT",
    "SLOW_USER_IDS",
    "SLOW_WINDOW_S",
    "SOFT_TTL_S",
    "STAND_IN_BUNDLE",
    "TEACHER_AGE_OBJECTIVE_S",
    "TEACHER_AGE_PERCENTILE",
    "TEACHER_CACHE",
    "TENSORRT_ENGINES",
    "TIERS",
    "TLS_CERTIFICATE",
    "TLS_CLIENT_CA",
    "TLS_KEY",
    "TRACE_ENDPOINT",
    "TRACE_RATIO",
    "TRITON_TIMEOUT_MS",
    "TRITON_URL",
    "TRUSTED_KEYS",
    "WORKERS",
    "WORKER_SILENT_S",
]

METRICS = [
    "understudy_breaker_open",
    "understudy_bundle_info",
    "understudy_candidates_total",
    "understudy_catalogue_delta_rows",
    "understudy_catalogue_items",
    "understudy_catalogue_lag_seconds",
    "understudy_catalogue_newest_timestamp_seconds",
    "understudy_connections",
    "understudy_coverage_ratio",
    "understudy_degraded_total",
    "understudy_events_total",
    "understudy_freshness_burn_rate",
    "understudy_freshness_objective_ratio",
    "understudy_inflight_candidates",
    "understudy_item_updates_total",
    "understudy_provider_info",
    "understudy_ready",
    "understudy_request_candidates",
    "understudy_requests_total",
    "understudy_rollbacks_total",
    "understudy_rollout_following",
    "understudy_rollout_paused",
    "understudy_rollout_share",
    "understudy_rollout_stage",
    "understudy_served_share",
    "understudy_shed_total",
    "understudy_stage_seconds",
    "understudy_teacher_age_seconds",
    "understudy_unavailable_total",
]

OPERATIONS = [
    "get /healthz",
    "get /metrics",
    "get /readyz",
    "get /v1/cache/status",
    "get /v2",
    "get /v2/health/live",
    "get /v2/health/ready",
    "get /v2/models/stats",
    "get /v2/models/{name}",
    "get /v2/models/{name}/config",
    "get /v2/models/{name}/ready",
    "get /v2/models/{name}/stats",
    "get /v2/models/{name}/versions/{version}",
    "get /v2/models/{name}/versions/{version}/config",
    "get /v2/models/{name}/versions/{version}/ready",
    "get /v2/models/{name}/versions/{version}/stats",
    "post /v1/events",
    "post /v1/rank",
    "post /v2/models/{name}/infer",
    "post /v2/models/{name}/versions/{version}/infer",
    "post /v2/repository/index",
]

ADMIN_OPERATIONS = [
    "get /v1/bundles",
    "get /v1/models",
    "get /v1/rollouts",
    "get /v1/rollouts/{model}/history",
    "get /v1/slow",
    "post /v1/items",
    "post /v1/rollouts/{model}",
]


def test_settings() -> None:
    assert sorted(name.upper() for name in Settings.model_fields) == SETTINGS
    assert PREFIX == "UNDERSTUDY_"


def test_metrics(gateway: httpx.Client) -> None:
    """Less what one without a cache has none of, understudy_{demand,served,mirrored_candidates,
    catalogue_updates}_total, one without keys, understudy_key_*, and one without traces,
    understudy_spans_dropped_total."""
    page = gateway.get("/metrics").text
    names = set(re.findall(r"^# TYPE (\w+) (?:counter|gauge|histogram)$", page, re.MULTILINE))
    assert sorted(names) == METRICS


def test_operations() -> None:
    assert operations_of(Settings()) == OPERATIONS


def test_admin_operations_are_there_with_a_token_alone() -> None:
    with_token = operations_of(Settings(admin_token=SecretStr("secret")))
    assert sorted(set(with_token) - set(OPERATIONS)) == ADMIN_OPERATIONS


def operations_of(settings: Settings) -> list[str]:
    paths = create_app(settings).openapi()["paths"]
    return sorted(f"{method} {path}" for path in paths for method in paths[path])


def test_answer_headers(gateway: httpx.Client) -> None:
    answered = gateway.post("/v1/rank", json={"user_id": "u", "item_ids": ["item-1"]})
    assert set(answered.headers) == {"content-type", "content-length", "server-timing", "date"}
