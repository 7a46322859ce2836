"""The series of those who read a stream as members of its group: ingest and archive."""

from collections.abc import Mapping
from typing import Final

from cache.refresh.series.kind import Series, counter, gauge

_MESSAGES: Final = counter(
    "messages",
    "Messages of the stream by what this process made of them",
    "claimed ones were another's that died; postponed: Redis was away, or the work was not done; "
    "dead ones are in us:stream:dead with their error",
    ("done", "claimed", "postponed", "dead"),
)

INGEST: Final[Mapping[str, Series]] = {
    "messages": _MESSAGES,
    "events": counter(
        "events",
        "Events by what became of them",
        "unknown_kind: the log schema of --from is not that of the gateways",
        ("counted", "duplicate", "unknown_kind"),
    ),
    "records": counter(
        "records",
        "Writes of users' records by what became of them",
        "corrupt ones were begun anew; many conflicts: two ingest the same users",
        ("written", "conflict", "corrupt"),
    ),
    "backlog": gauge(
        "messages",
        "Batches of events that wait to be counted",
        "the same from every worker: take the maximum. The stream holds 100,000 and loses the "
        "oldest past that",
    ),
}

ARCHIVE: Final[Mapping[str, Series]] = {
    "messages": _MESSAGES,
    "requests": counter(
        "requests",
        "Served requests by what became of them",
        "duplicates were in a file already: someone was killed before it acknowledged",
        ("archived", "duplicate"),
    ),
    "files": counter("files", "Files written", "many small ones: raise --every-s", ("written",)),
    "rows": counter("rows", "Rows written: one a candidate", "what training gets", ("written",)),
    "bytes": counter("bytes", "Bytes of the files written", "what the storage gets", ("written",)),
    "backlog": gauge(
        "messages",
        "Served requests that wait to be archived",
        "up to --batch-messages is its manner; past UNDERSTUDY_SERVED_BACKLOG the oldest are lost",
    ),
}
