"""Of requests and answers."""

from collections.abc import Mapping
from typing import Final

from models.schema import TIERS
from server.guide.guide import LANE, Guide
from server.metrics import SHED
from server.objectives import COVERAGE, PAIR_COVERAGE, TEACHER_AGE
from server.stages import STAGES, TOTAL
from server.windows import WINDOWS_S

KINDS: Final = (COVERAGE, PAIR_COVERAGE, TEACHER_AGE)
DEGRADED: Final[Mapping[str, tuple[str, ...]]] = {
    "cache": ("timeout", "unavailable", "open_breaker", "corrupt", "stale"),
    "features": ("unknown_item", "unknown_context", "unknown_feature"),
    "inference": (
        "failed", "not_finite", "failed_stand_in", "not_finite_stand_in", "triton_timeout",
        "triton_unavailable", "triton_not_finite",
    ),
    "rerank": (
        "no_embeddings", "not_finite", "timeout", "rank", "short_slate", "pins_over_cap",
    ),
    TOTAL: ("late",),
}  # fmt: skip
"""Reasons by stage."""
_REASONS: Final = tuple(f"{stage}: {', '.join(why)}" for stage, why in DEGRADED.items())

TRAFFIC: Final[Mapping[str, Guide]] = {
    "understudy_requests_total": Guide(
        "answers",
        "traffic and errors; 429 is shed, 504 is late, other 5xx are faults",
        {"route": "path, or other", "status": "of HTTP; of gRPC its name"},
    ),
    "understudy_stage_seconds": Guide(
        "seconds",
        "the stage that grows says where to look: queue, more gateways; cache, Redis or the "
        "network; inference, model and cores",
        {"stage": (*STAGES, TOTAL), **LANE},
    ),
    "understudy_request_candidates": Guide(
        "candidates", "its count is of answered rankings; its sum is what work is reckoned by"
    ),
    "understudy_shed_total": Guide(
        "requests",
        "overloaded: add gateways; late: budgets are too short or gateways too slow; over_quota "
        "and hung_up are the callers'",
        {"reason": SHED},
    ),
    "understudy_degraded_total": Guide(
        "answers",
        "what answers lacked; each rung is explained in api.md and reliability.md",
        {"stage": tuple(DEGRADED), "reason": "; ".join(_REASONS)},
    ),
    "understudy_unavailable_total": Guide(
        "candidates", "many: callers offer ads that they have paused or removed"
    ),
    "understudy_inflight_candidates": Guide(
        "candidates", "what autoscaling goes by; its bound is UNDERSTUDY_MAX_INFLIGHT_CANDIDATES"
    ),
    "understudy_connections": Guide(
        "connections", "near UNDERSTUDY_MAX_CONNECTIONS the next one is refused with 503"
    ),
    "understudy_ready": Guide(
        "0 or 1", "0 for longer than a start takes: its log and /readyz say what it waits for"
    ),
    "understudy_spans_dropped_total": Guide(
        "spans",
        "queue_full: more is traced than the collector takes; else it is away or refuses",
        {"reason": ("queue_full", "export_failed")},
        "where requests are traced",
    ),
    "understudy_workers": Guide(
        "workers",
        "a silent one is missing on this page: it hangs or is being started again",
        {"state": ("answering", "silent")},
        "with several workers",
    ),
}

HINTS: Final[Mapping[str, Guide]] = {
    "understudy_candidates_total": Guide(
        "candidates",
        "coverage over any window and all processes is a ratio of its rates",
        {"tier": TIERS, **LANE},
    ),
    "understudy_teacher_age_seconds": Guide(
        "seconds",
        "old hints: the refreshers are behind, or the soft TTL is longer than they need",
        {"tier": TIERS[1:], **LANE},
    ),
    "understudy_coverage_ratio": Guide(
        "share",
        "a look at one process; over several take understudy_candidates_total",
        {"tier": TIERS, "window": tuple(WINDOWS_S), **LANE},
    ),
    "understudy_freshness_burn_rate": Guide(
        "times the budget",
        "1 spends the budget exactly; alerts take a long and a short window",
        {"objective": KINDS, "window": tuple(WINDOWS_S), **LANE},
        "with an objective set",
    ),
    "understudy_freshness_objective_ratio": Guide(
        "share",
        "what the burn rate is reckoned from",
        {"objective": KINDS, **LANE},
        "with an objective set",
    ),
    "understudy_breaker_open": Guide(
        "0 or 1", "1 in one process: its network; in most: Redis. Answers go without hints"
    ),
}
