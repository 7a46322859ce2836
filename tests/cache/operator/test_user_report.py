import numpy as np
import pytest
from redis.asyncio import Redis

from cache import record
from cache.keys import page_key, record_key
from cache.operator.user_report import page_report, record_report, user_report
from cache.quantise import Precision
from cache.record import empty_record
from tests.cache.operator.filled import page_value
from tests.cache.pages import NOW_MS, page_bytes_of, random_entries


def record_value() -> bytes:
    state = empty_record(columns=3, numbers=1, tasks=2, fingerprint=0xAB)
    return record.encode(
        state._replace(
            counters=np.array([4.0, 2.0, 1.0]),
            counters_at=NOW_MS - 5000,
            items=np.array([1, 2], np.uint64),
            times_ms=np.array([NOW_MS - 9000, NOW_MS - 6000]),
            outcomes=np.ones(2, np.uint8),
            version=7,
        )
    )


def test_page_tells_ages_by_percentile_and_what_else_it_holds() -> None:
    entries = random_entries(5, precision=Precision.INT4)
    entries.computed_at_ms[:] = NOW_MS - 1000 * np.arange(5)
    facts = page_report("s", page_bytes_of(entries, version=3), 2.5, NOW_MS + 1000).facts
    assert facts is not None
    assert facts.entry_age_s == pytest.approx({"p0": 1.0, "p50": 3.0, "p90": 4.6, "p100": 5.0})
    assert (facts.precision, facts.dim, facts.tasks, facts.entries) == ("int4", 32, 2, 5)
    assert (facts.version, facts.fence) == (3, 0)
    assert (facts.aggregate_pairs, facts.aggregate_age_s) == (5, 1.0)
    assert (facts.sequence, facts.sequence_newest_age_s) == (0, None)


def test_page_without_entries_has_no_ages() -> None:
    facts = page_report("s", page_bytes_of(random_entries(0)), None, NOW_MS).facts
    assert facts is not None
    assert (facts.entry_age_s, facts.aggregate_age_s) == ({}, None)


def test_record_tells_counters_and_events() -> None:
    facts = record_report(record_value()).facts
    assert facts is not None
    assert (facts.counters, facts.counters_at_ms) == ([4.0, 2.0, 1.0], NOW_MS - 5000)
    assert (facts.events, facts.newest_event_ms, facts.event_ids) == (2, NOW_MS - 6000, 0)
    assert (facts.version, facts.schema_fingerprint) == (7, "00000000000000ab")


def test_damaged_values_are_named_and_have_no_facts() -> None:
    damaged = record_value()[:-1]
    told = record_report(damaged)
    assert (told.value_bytes, told.facts) == (len(damaged), None)
    assert told.damaged is not None
    assert "bytes where the header means" in told.damaged
    assert "checksum" in (page_report("s", page_value()[:-1] + b"\0", None, 0).damaged or "")


@pytest.mark.redis
async def test_user_has_a_record_and_a_page_a_space_with_its_expiry(client: Redis) -> None:
    user = "a:{b}*"
    await client.set(page_key(user, "new"), page_value(), ex=1000)
    await client.set(page_key(user, "bad"), b"rubbish")
    await client.set(page_key("a:{b}*c", "new"), page_value())
    await client.set(record_key(user), record_value())
    told = await user_report(client, user, NOW_MS)
    assert told.record is not None
    assert told.record.damaged is None
    bad, new = told.pages
    assert (bad.space, new.space) == ("bad", "new")
    assert bad.damaged is not None
    assert bad.expires_in_s is None
    assert new.facts is not None
    assert (new.facts.version, new.facts.fence, new.facts.sequence) == (4, 2, 2)
    assert new.expires_in_s == pytest.approx(1000, abs=5)


@pytest.mark.redis
async def test_unknown_user_has_nothing(client: Redis) -> None:
    told = await user_report(client, "nobody", NOW_MS)
    assert (told.record, told.pages) == (None, [])
