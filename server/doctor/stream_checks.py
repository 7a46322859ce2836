"""What waits in streams: events for ingest, and what was given up."""

from typing import Any, Final

from cache.connection import unavailable_when_failing
from cache.events import MAX_MESSAGES
from cache.keys import DEAD_STREAM, EVENTS_STREAM
from cache.operator.stream_report import stream_report
from server.doctor.finding import Finding, fail, ok, warn
from server.doctor.server_time import server_s
from server.doctor.subject import Subject

GROUP: Final = "ingest"
LATE_S: Final = 60.0
LOST_S: Final = 600.0
DAY_S: Final = 86_400.0


async def ingest(subject: Subject) -> Finding:
    """A message stays until it is counted, so the oldest tells how far behind ingest is."""
    assert subject.client is not None
    report = await stream_report(subject.client, EVENTS_STREAM)
    if not report.length:
        return ok("no event waits to be counted")
    waited_s = await _age_s(subject.client, EVENTS_STREAM, is_newest=False)
    told = f"{report.length} batches of events wait, the oldest for {waited_s:.0f} s"
    if all(group.name != GROUP for group in report.groups):
        return fail(f"{told}, and nobody has ever counted one", "start `understudy ingest`")
    remedy = (
        "see whether `understudy ingest` runs and what its log says; more of them share the work"
    )
    if waited_s > LOST_S:
        return fail(told, remedy)
    return warn(told, remedy) if waited_s > LATE_S else ok(told)


async def events_bound(subject: Subject) -> Finding:
    assert subject.client is not None
    length = (await stream_report(subject.client, EVENTS_STREAM)).length
    share = length / MAX_MESSAGES
    told = f"{length} of {MAX_MESSAGES} batches of events that the stream holds"
    remedy = "past it the oldest are lost: let ingest catch up, or post larger batches"
    if share > 0.9:
        return fail(told, remedy)
    return warn(told, remedy) if share > 0.5 else ok(told)


async def dead_letters(subject: Subject) -> Finding:
    """Messages that could not be read, or ended whoever touched them."""
    assert subject.client is not None
    report = await stream_report(subject.client, DEAD_STREAM)
    if not report.length:
        return ok("nothing was given up")
    age_s = await _age_s(subject.client, DEAD_STREAM, is_newest=True)
    if age_s < DAY_S:
        return warn(
            f"{report.length} messages were given up, the newest {age_s:.0f} s ago",
            "`understudy cache status` says why",
        )
    return ok(f"{report.length} messages were given up, none within a day")


async def _age_s(client: Any, stream: bytes, *, is_newest: bool) -> float:
    """By the server's clock; 0 of an empty stream."""
    with unavailable_when_failing("look at a stream"):
        look = client.xrevrange if is_newest else client.xrange
        told = await look(stream, count=1)
    if not told:
        return 0.0
    return max(0.0, await server_s(client) - int(told[0][0].partition(b"-")[0]) / 1000.0)
