"""An operator's commands walk all masters."""

import pytest
from redis.asyncio import Redis

from cache.keys import EVENTS_STREAM
from cache.operator.server_report import server_report
from cache.operator.space_removal import drop_space
from cache.operator.space_scan import scan_spaces
from cache.operator.user_report import user_report
from tests.cache.cluster.nodes import Cluster
from tests.cache.operator.filled import demand, put_pages
from tests.cache.pages import NOW_MS

pytestmark = pytest.mark.redis

USERS = [f"user-{number}" for number in range(60)]


async def test_pages_and_demand_of_all_nodes_are_found(client: Redis) -> None:
    await put_pages(client, {"s": USERS, "t": USERS[:3]})
    await demand(client, "s", 9, taken=3)
    spaces = await scan_spaces(client, lambda found: None)
    assert [(each.space, each.pages, each.demand_backlog) for each in spaces] == [
        ("s", 60, 9), ("t", 3, None),
    ]  # fmt: skip
    assert spaces[0].estimated_bytes > 60 * 100
    report = await user_report(client, USERS[0], NOW_MS)
    assert [page.space for page in report.pages] == ["s", "t"]


async def test_dropping_a_space_leaves_nothing_of_it_on_any_node(
    cluster: Cluster, client: Redis
) -> None:
    await put_pages(client, {"s": USERS, "t": USERS[:3]})
    await demand(client, "s", 9)
    removal = await drop_space(client, "s", lambda gone: None)
    assert (removal.pages, removal.demand_messages) == (60, 9)
    assert sum(server.call("DBSIZE") for server in cluster.servers[:3]) == 3


async def test_status_adds_up_the_masters(client: Redis) -> None:
    await put_pages(client, {"s": USERS})
    report = await server_report(client)
    assert report.keys == 60
    assert report.eviction_policy == "noeviction"
    assert report.memory_used_bytes > 3_000_000
    assert EVENTS_STREAM.decode() in [stream.name for stream in report.streams]
