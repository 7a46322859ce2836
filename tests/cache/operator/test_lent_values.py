"""What the lower tiers keep is told and dropped with their space."""

import pytest
from redis.asyncio import Redis

from cache.errors import NotConfirmed
from cache.items import FIELD
from cache.keys import item_means_stream, item_slices_table, neighbour_key, page_key
from cache.operator.server_report import server_report
from cache.operator.space_removal import Removal, check_meant, drop_space
from cache.operator.space_scan import scan_space, scan_spaces
from cache.operator.tables import spaces_table, user_tables
from cache.operator.user_report import user_report
from tests.cache.operator.filled import page_value, put_pages
from tests.cache.pages import NOW_MS

pytestmark = pytest.mark.redis


def nothing(more: int) -> None:
    pass


@pytest.fixture
async def filled(client: Redis) -> Redis:
    await put_pages(client, {"s": ["a", "b"], "t": ["a"]})
    for user, space in (("a", "s"), ("c", "s"), ("a", "t"), ("b", "lent only")):
        await client.set(neighbour_key(user, space), page_value(), px=60_000)
    await client.set(neighbour_key("d", "s"), b"rubbish")
    for space in "st":
        for item in range(3):
            await client.hset(item_slices_table(space), FIELD.pack(item), b"slices")
        await client.xadd(item_means_stream(space), {b"b": b"means"})
    return client


async def test_spaces_count_what_is_lent_and_said(filled: Redis) -> None:
    lent_only, s, t = await scan_spaces(filled, nothing)
    assert [(each.space, each.pages, each.lent_values, each.said_items) for each in (s, t)] == [
        ("s", 2, 3, 3),
        ("t", 1, 1, 3),
    ]
    assert (lent_only.pages, lent_only.lent_values) == (0, 1)
    assert s.lent_bytes > 2 * len(page_value())
    assert (await scan_space(filled, "s", nothing)) == s
    spaces_table([lent_only, s, t], NOW_MS)


async def test_space_goes_with_its_lower_tiers_and_no_others(filled: Redis) -> None:
    assert await drop_space(filled, "s", nothing) == Removal("s", 2, 0, lent_values=3, said_items=3)
    assert set(await filled.keys()) == {
        page_key("a", "t"),
        neighbour_key("a", "t"),
        neighbour_key("b", "lent only"),
        item_slices_table("t"),
        item_means_stream("t"),
    }


async def test_what_is_lent_alone_must_be_meant_too(filled: Redis) -> None:
    report = await scan_space(filled, "lent only", nothing)
    with pytest.raises(NotConfirmed, match="lend to 1 users"):
        check_meant(report, False)


async def test_user_is_told_what_is_lent_to_him(filled: Redis) -> None:
    report = await user_report(filled, "a", NOW_MS)
    assert [(each.space, each.facts is not None) for each in report.lent] == [
        ("s", True),
        ("t", True),
    ]
    assert [each.space for each in report.pages] == ["s", "t"]
    assert report.lent[0].expires_in_s == pytest.approx(60.0, abs=5.0)
    damaged = await user_report(filled, "d", NOW_MS)
    assert damaged.lent[0].damaged is not None
    assert len(user_tables(report, NOW_MS)) == 5


async def test_stream_of_items_is_in_the_status(filled: Redis) -> None:
    named = {each.name for each in (await server_report(filled)).streams}
    assert {"us:stream:z:{s}", "us:stream:z:{t}"} <= named
