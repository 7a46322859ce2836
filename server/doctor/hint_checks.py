"""Whether answers have hints, and how fresh those are, by the gateway's own account."""

from server.doctor.finding import Finding, fail, ok, skip, warn
from server.doctor.subject import Subject
from server.status_wire import CacheStatus, StudentStatus

WINDOW = "5m"


async def cache_seen(subject: Subject) -> Finding:
    status = _status(subject)
    if status is None:
        return skip("/v1/cache/status says nothing that this version reads")
    failed = ", ".join(
        f"{count} {reason}" for reason, count in status.failed_reads.items() if count
    )
    if status.redis == "not_configured":
        return warn(
            "it has no cache: answers have no hints and know no users",
            "set UNDERSTUDY_REDIS_URL, unless that is meant",
        )
    if status.redis == "unavailable" or status.breaker == "open":
        return fail(
            f"Redis is {status.redis} to it, the breaker {status.breaker}; reads that failed: "
            f"{failed or 'none'}",
            "see the checks of Redis below, and whether the gateway reaches that address",
        )
    return ok(f"it reads Redis; reads that failed since it started: {failed or 'none'}")


async def coverage(subject: Subject) -> Finding:
    """Over the last minutes, of the stable lanes of this process."""
    status = _status(subject)
    students = [] if status is None or status.redis == "not_configured" else status.students
    told = [_covered(each) for each in students if each.lane == "stable" and each.space]
    served = [each for each in told if each is not None]
    if not served:
        return skip(f"no candidate was ranked in the last {WINDOW}, or none with a cache")
    shares = "; ".join(f"{model} {share:.0%}" for model, share in served)
    if any(share == 0.0 for _, share in served):
        return fail(
            f"share of the candidates with a hint in {WINDOW}: {shares}",
            "are refreshers at work in this space, is demand sent, do pages expire? See below",
        )
    return ok(f"share of the candidates with a hint in {WINDOW}: {shares}")


async def freshness(subject: Subject) -> Finding:
    status = _status(subject)
    students = [] if status is None else status.students
    objectives = [each for student in students for each in student.objectives]
    if not objectives:
        return skip("no objective is set (docs/freshness.md)")
    alerts = {each.objective: each.alert for each in objectives if each.alert is not None}
    if not alerts:
        return ok(f"{len(objectives)} objectives, none of which burns")
    told = ", ".join(f"{name} ({alert})" for name, alert in alerts.items())
    remedy = "more refreshers, a longer TTL, or an objective that can be met (docs/freshness.md)"
    what = f"objectives lose their budget: {told}"
    return fail(what, remedy) if "fast" in alerts.values() else warn(what, remedy)


def _covered(student: StudentStatus) -> tuple[str, float] | None:
    window = student.windows.get(WINDOW)
    if window is None or not window.candidates:
        return None
    return student.model, 1.0 - window.coverage.get("none", 0.0)


def _status(subject: Subject) -> CacheStatus | None:
    return None if subject.told is None else subject.told.status
