"""Settings that are each allowed, and do not go together."""

from collections.abc import Iterator

from server.doctor.finding import Finding, fail, ok, skip, warn
from server.doctor.subject import Subject
from server.settings import PREFIX, Settings

ID_BYTES = 16
"""Of a candidate in a body, at least: an id, quotes, a comma."""
MEND = "docs/configuration.md"


async def settings(subject: Subject) -> Finding:
    if subject.settings_error is not None:
        return fail(subject.settings_error, f"a gateway would not start with them: {MEND}")
    if subject.settings is None:
        return skip("known only beside a gateway, with its environment")
    wrong = [f"{PREFIX}{each}" for each in contradictions(subject.settings)]
    odd = [f"{PREFIX}{each}" for each in oddities(subject.settings)]
    if wrong:
        return fail("; ".join([*wrong, *odd]), MEND)
    return warn("; ".join(odd), MEND) if odd else ok("they go together")


def contradictions(given: Settings) -> Iterator[str]:
    """What makes requests fail."""
    if given.redis_url is not None and given.cache_timeout_ms >= given.deadline_ms:
        yield (
            f"CACHE_TIMEOUT_MS {given.cache_timeout_ms:g} leaves nothing of DEADLINE_MS "
            f"{given.deadline_ms:g}: a read that fails costs the answer"
        )
    if given.rerank_budget_ms >= given.deadline_ms:
        yield (
            f"RERANK_BUDGET_MS {given.rerank_budget_ms:g} leaves nothing of DEADLINE_MS "
            f"{given.deadline_ms:g}"
        )
    if given.max_candidates > given.max_inflight_candidates:
        yield (
            f"MAX_CANDIDATES {given.max_candidates} is above MAX_INFLIGHT_CANDIDATES "
            f"{given.max_inflight_candidates}: the largest request is always refused"
        )
    if given.grpc_port and given.grpc_port == given.port:
        yield f"GRPC_PORT {given.grpc_port} is PORT"


def oddities(given: Settings) -> Iterator[str]:
    """What can hardly be meant."""
    if given.max_candidates * ID_BYTES > given.max_body_bytes:
        yield (
            f"MAX_BODY_BYTES {given.max_body_bytes} has no room for MAX_CANDIDATES "
            f"{given.max_candidates}"
        )
    if given.demand_window_s > given.soft_ttl_s:
        yield (
            f"DEMAND_WINDOW_S {given.demand_window_s:g} is above SOFT_TTL_S {given.soft_ttl_s:g}: "
            "what is stale is not asked for again"
        )
    if given.batch_candidates < given.max_candidates:
        yield (
            f"BATCH_CANDIDATES {given.batch_candidates} is below MAX_CANDIDATES "
            f"{given.max_candidates}: a large request never shares a batch"
        )
    if given.triton_url is not None and given.triton_timeout_ms >= given.deadline_ms:
        yield (
            f"TRITON_TIMEOUT_MS {given.triton_timeout_ms:g} is not below DEADLINE_MS "
            f"{given.deadline_ms:g}"
        )
    objectives = (given.coverage_objective, given.pair_coverage_objective)
    if any(objectives) and (given.redis_url is None or not given.teacher_cache):
        yield "COVERAGE_OBJECTIVE cannot be met without REDIS_URL and TEACHER_CACHE"
    if given.replay:
        yield "REPLAY lets callers say what time it is: for replaying logs, not for production"
