import pytest
from redis.asyncio import Redis

from cache.keys import page_key, record_key
from cache.operator import page_sample, space_scan
from cache.operator.space_scan import scan_space, scan_spaces
from tests.cache.operator.filled import EARLIER_MS, demand, page_value, put_pages
from tests.cache.pages import NOW_MS

pytestmark = pytest.mark.redis


def nothing(found: int) -> None:
    pass


async def test_every_space_with_a_page_or_a_demand_is_found(client: Redis) -> None:
    await put_pages(client, {"old": ["a", "b{}:*"], "new": ["a"]})
    await demand(client, "new", messages=5, taken=2)
    await demand(client, "asked", messages=1)
    await client.set(record_key("a"), b"no page")
    found: list[int] = []
    asked, new, old = await scan_spaces(client, found.append)
    assert [(each.space, each.pages) for each in (asked, new, old)] == [
        ("asked", 0),
        ("new", 1),
        ("old", 2),
    ]
    assert (new.demand_backlog, new.demand_pending) == (5, 2)
    assert (old.demand_backlog, old.demand_pending) == (None, 0)
    assert (old.newest_entry_ms, old.oldest_entry_ms) == (NOW_MS, NOW_MS - EARLIER_MS)
    assert asked.newest_entry_ms is None
    assert sum(found) == 3


async def test_size_is_what_the_server_counts(client: Redis) -> None:
    await put_pages(client, {"s": ["a", "b"]})
    [space] = await scan_spaces(client, nothing)
    counted = [await client.memory_usage(page_key(user, "s")) or 0 for user in "ab"]
    assert space.estimated_bytes == sum(counted)
    assert space.estimated_bytes > 2 * len(page_value())


async def test_few_pages_stand_for_many(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_scan, "SAMPLE", 7)
    monkeypatch.setattr(page_sample, "READ_AT_ONCE", 3)
    await put_pages(client, {"s": [f"user-{number}" for number in range(40)]})
    [space] = await scan_spaces(client, nothing)
    assert (space.pages, space.sampled_pages) == (40, 7)
    assert space.estimated_bytes > 40 * len(page_value())


async def test_damaged_page_is_counted_and_a_foreign_value_left_out(client: Redis) -> None:
    await client.set(page_key("a", "s"), page_value()[:-1])
    await client.hset(page_key("b", "s"), "field", "value")
    [space] = await scan_spaces(client, nothing)
    assert (space.pages, space.sampled_pages, space.damaged_pages) == (2, 1, 1)


async def test_one_space_is_told_from_those_that_its_name_would_match(client: Redis) -> None:
    await put_pages(client, {"s*": ["a"], "s1": ["a", "b"], "}:s*": ["c"], "t": ["a"]})
    assert (await scan_space(client, "s*", nothing)).pages == 1
    assert (await scan_space(client, "*", nothing)).pages == 0
