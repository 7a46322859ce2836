"""All that the cache holds of one user."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from redis.asyncio import Redis

from cache import page, record
from cache.connection import unavailable_when_failing
from cache.errors import PageCorrupt, RecordCorrupt
from cache.keys import neighbour_name, neighbour_pattern, page_name, page_pattern, record_key
from cache.operator.key_listing import listed
from cache.operator.space_scan import NameOf
from cache.page import Page
from cache.record import UserRecord

PERCENTILES: Final = (0, 50, 90, 100)


@dataclass(frozen=True, slots=True)
class RecordFacts:
    version: int
    fence: int
    schema_fingerprint: str
    counters_at_ms: int  # 0: never counted
    counters: list[float]  # impressions, then positives by task, decayed to counters_at_ms
    columns: int
    numbers: int
    events: int
    newest_event_ms: int | None
    event_ids: int


@dataclass(frozen=True, slots=True)
class PageFacts:
    version: int
    fence: int
    precision: str
    dim: int
    tasks: int
    entries: int
    entry_age_s: dict[str, float]  # by percentile, empty without entries
    aggregate_pairs: int
    aggregate_age_s: float | None
    sequence: int
    sequence_newest_age_s: float | None


@dataclass(frozen=True, slots=True)
class RecordReport:
    value_bytes: int
    damaged: str | None  # why it cannot be read, and there are no facts
    facts: RecordFacts | None


@dataclass(frozen=True, slots=True)
class PageReport:
    space: str
    value_bytes: int
    expires_in_s: float | None
    damaged: str | None
    facts: PageFacts | None


@dataclass(frozen=True, slots=True)
class UserReport:
    user_id: str
    record: RecordReport | None
    pages: list[PageReport]  # by space
    lent: list[PageReport] = field(default_factory=list)  # by space, of neighbours


async def user_report(client: Redis, user_id: str, now_ms: int) -> UserReport:
    """Every value and expiry in one round trip, once the user's pages are found."""
    patterns = (page_pattern(user_id), neighbour_pattern(user_id))
    keys = sorted({key for each in patterns async for part in listed(client, each) for key in part})
    with unavailable_when_failing("read a user"):
        async with client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command("MGET", record_key(user_id), *keys)
            for key in keys:
                pipeline.pttl(key)
            [state, *values], *lives_ms = await pipeline.execute()
    held = [*zip(keys, values, lives_ms, strict=True)]
    pages, lent = (_page_reports(held, name_of, now_ms) for name_of in (page_name, neighbour_name))
    return UserReport(user_id, None if state is None else record_report(state), pages, lent)


def _page_reports(
    held: Sequence[tuple[bytes, bytes | None, int]], name_of: NameOf, now_ms: int
) -> list[PageReport]:
    return [
        page_report(name.space, value, life_ms / 1000.0 if life_ms >= 0 else None, now_ms)
        for key, value, life_ms in held
        if value is not None and (name := name_of(key)) is not None
    ]


def page_report(space: str, value: bytes, expires_in_s: float | None, now_ms: int) -> PageReport:
    try:
        facts, damaged = _page_facts(page.decode(value), now_ms), None
    except PageCorrupt as error:
        facts, damaged = None, str(error)
    return PageReport(space, len(value), expires_in_s, damaged, facts)


def record_report(value: bytes) -> RecordReport:
    try:
        return RecordReport(len(value), None, _record_facts(record.decode(value)))
    except RecordCorrupt as error:
        return RecordReport(len(value), str(error), None)


def _page_facts(held: Page, now_ms: int) -> PageFacts:
    aggregate, sequence = held.aggregate, held.sequence
    return PageFacts(
        held.version,
        held.fence,
        held.precision.name.lower(),
        held.dim,
        held.tasks,
        len(held.pair_keys),
        _percentiles_s(held, now_ms),
        aggregate.pairs,
        (now_ms - aggregate.computed_at_ms) / 1000.0 if aggregate.pairs else None,
        len(sequence.codes),
        (now_ms - sequence.newest_ms) / 1000.0 if len(sequence.codes) else None,
    )


def _percentiles_s(held: Page, now_ms: int) -> dict[str, float]:
    if not len(held.pair_keys):
        return {}
    ages_s = (now_ms - held.computed_at_ms()) / 1000.0
    found = np.percentile(ages_s, PERCENTILES)
    return {f"p{at}": float(age_s) for at, age_s in zip(PERCENTILES, found, strict=True)}


def _record_facts(held: UserRecord) -> RecordFacts:
    return RecordFacts(
        held.version,
        held.fence,
        f"{held.fingerprint:016x}",
        held.counters_at,
        held.counters.tolist(),
        len(held.columns),
        len(held.numbers),
        len(held.items),
        int(held.times_ms[-1]) if len(held.times_ms) else None,
        len(held.event_ids),
    )
