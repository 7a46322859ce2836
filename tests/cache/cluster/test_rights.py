"""Each role does its work with the rights that the docs give it, and nothing else."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from cache.catalogue_feed import CatalogueFeed
from cache.catalogue_writer import CatalogueWriter
from cache.connection import connect
from cache.demand import encode
from cache.demand_keys import shard_of
from cache.errors import StoreUnavailable
from cache.events import Event, EventFeed
from cache.items import ItemFeed
from cache.keys import DEAD_STREAM, EVENTS_STREAM, ITEMS_TABLE, SERVED_STREAM, page_key, record_key
from cache.operator.forgetting import forget_user
from cache.operator.server_report import server_report
from cache.operator.space_removal import drop_space
from cache.operator.space_scan import scan_spaces
from cache.operator.user_report import user_report
from cache.redis_demand import RedisDemand
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.space_state import space_state
from cache.rollout_board import RolloutBoard
from cache.table import Change
from cache.watch import StreamWatch
from tests.cache.catalogue import LAYOUT, make_rows
from tests.cache.cluster.nodes import Cluster
from tests.cache.operator.filled import page_value
from tests.cache.pages import NOW_MS
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import Hired, LiveSpace

pytestmark = pytest.mark.redis

BODY = encode(make_demand("a"), 0)


def url_of(cluster: Cluster, role: str) -> str:
    cluster.flush()
    return cluster.url.replace("://", f"://{role}:{role}-password@")


async def work_of_a_group(streams: RedisStreams, stream: bytes) -> None:
    await streams.ensure_group(stream, b"g")
    messages = await streams.read_group(stream, b"g", b"one", 10, 0)
    assert await streams.claim_stale(stream, b"g", b"two", 60_000, 10) == []
    assert await streams.pending(stream, b"g") == len(messages)
    await streams.acknowledge(stream, b"g", [message.id for message in messages])
    assert await streams.length(stream) == 0
    await streams.append(DEAD_STREAM, [b"letter"], 10)


async def acts_on_a_rollout(board: RolloutBoard) -> None:
    held = await board.read()
    assert await board.replace(held.revision, b"state", b"entry")
    assert len(await board.history(10)) == 1
    assert await board.fleet() == {}
    assert await board.sums("tally") == {}


async def decides_on_a_rollout(board: RolloutBoard) -> None:
    await acts_on_a_rollout(board)
    await board.present("g", b"told", {"stable": b"sums"}, "tally")
    assert await board.lead(b"g", 60_000)
    assert await board.replace(1, b"state", b"entry", b"g")
    await board.forget(await board.fleet())
    await board.resign(b"g")


async def watches_events(client: Any) -> None:
    feed, watch = EventFeed(RedisStreams(client)), StreamWatch(client, EVENTS_STREAM, b"w")
    await StreamWatch(client, EVENTS_STREAM, b"other").begin()
    await watch.begin()
    before = await watch.appended()
    await feed.append([Event("e", "click", "a", "i", 1)])
    assert len(await watch.read(10, 0)) == await watch.appended() - before == 1
    await watch.end()


async def follow(streams: RedisStreams, table: RedisTable) -> None:
    changes, counts = CatalogueFeed(table, streams, LAYOUT), ItemFeed(table, streams, 3)
    assert [part async for part in changes.parts()]
    assert [part async for part in counts.parts()] == []
    await changes.follow(await changes.last_id(), block_ms=1)
    await counts.follow(await counts.last_id(), block_ms=1)


async def test_gateway_reads_asks_and_tells_and_writes_no_page(guarded: Cluster) -> None:
    url = url_of(guarded, "gateway")
    store, client = RedisStore.open(url), connect(url)
    streams, table = RedisStreams(client), RedisTable(client)
    assert await store.get_many([record_key("a"), page_key("a", "s")]) == [None, None]
    demand = RedisDemand(client, "s")
    await demand.append({shard_of("a", await demand.shards()): [BODY]}, 1)
    await EventFeed(streams).append([Event("e", "click", "a", "i", 1)])
    await streams.append(SERVED_STREAM, [b"answer"], 10)
    writer = CatalogueWriter(client, LAYOUT)
    assert await writer.write(make_rows(1, 2)) == 2
    await follow(streams, table)
    assert (await space_state(client, "s")).backlog == 1
    await decides_on_a_rollout(RolloutBoard(client, "m"))
    await watches_events(client)
    await refused(store, {page_key("a", "s"): b""}, {record_key("a"): b""}, {b"foreign": b""})
    await refuses(client, ["FLUSHALL"], ["DBSIZE"], ["INFO"], ["GET", "foreign"])
    await store.close()
    await client.aclose()


async def test_refresher_answers_demand_and_writes_no_record(guarded: Cluster) -> None:
    space = LiveSpace(url_of(guarded, "refresher"), shards=16)
    catalogue = connect(guarded.url)
    await CatalogueWriter(catalogue, LAYOUT).write(make_rows(1))
    await catalogue.aclose()
    await space.demand.shards()
    await space.ask(make_demand("a"), make_demand("b"))
    await space.append("c", b"rubbish")
    worker = Hired(space)
    await worker.works()
    await worker.own.tick()
    await follow(RedisStreams(space.client), RedisTable(space.client))
    assert (await space.account()).unsettled == 0
    assert await space.page("a") is not None
    assert await RedisStreams(space.client).length(DEAD_STREAM) == 1
    await worker.own.end()
    await refused(space.store, {record_key("a"): b""}, {ITEMS_TABLE: b""})
    await refuses(space.client, ["FLUSHALL"], ["DBSIZE"], ["GET", "foreign"])
    await space.close()


async def test_ingest_writes_records_and_counters_and_no_page(guarded: Cluster) -> None:
    url = url_of(guarded, "ingest")
    store, streams = RedisStore.open(url), RedisStreams.open(url)
    await streams.append(EVENTS_STREAM, [b"1"], 10)
    await work_of_a_group(streams, EVENTS_STREAM)
    await store.put_many({record_key("a"): b""}, None)
    assert await store.replace(record_key("a"), b"", expected_version=0, fence=0, ttl_s=None)
    table = RedisTable(connect(url))
    assert await table.change(ITEMS_TABLE, [Change(b"f", None, b"1")]) == [True]
    assert await table.read(ITEMS_TABLE, [b"f"]) == [b"1"]
    await refused(store, {page_key("a", "s"): b""})
    await streams.close()
    await store.close()
    await table._client.aclose()


async def test_archive_reads_what_was_served_and_nothing_else(guarded: Cluster) -> None:
    streams = RedisStreams.open(url_of(guarded, "archive"))
    await streams.append(SERVED_STREAM, [b"1"], 10)
    await work_of_a_group(streams, SERVED_STREAM)
    with pytest.raises(StoreUnavailable, match="NoPermission"):
        await streams.append(EVENTS_STREAM, [b"1"], 10)
    await streams.close()


async def test_operator_sees_all_and_drops_a_space(guarded: Cluster) -> None:
    client = connect(url_of(guarded, "operator"))
    direct = connect(guarded.url)
    await direct.set(page_key("a", "s"), page_value(), ex=1000)
    await RedisDemand(direct, "s").append({3: [BODY]}, 10)
    await CatalogueWriter(direct, LAYOUT).write(make_rows(1))
    assert [each.space for each in await scan_spaces(client, lambda found: None)] == ["s"]
    assert len((await user_report(client, "a", NOW_MS)).pages) == 1
    assert (await server_report(client)).keys > 2
    feed = CatalogueFeed(RedisTable(client), RedisStreams(client), LAYOUT)
    assert sum([len(part.keys) async for part in feed.parts()]) == 1
    assert await CatalogueWriter(client, LAYOUT).forget(make_rows(1)) == 1
    await direct.set(record_key("a"), b"a record")
    assert (await forget_user(client, "a", is_confirmed=True)).keys == 2
    await direct.set(page_key("a", "s"), page_value(), ex=1000)
    assert (await drop_space(client, "s", lambda gone: None)).pages == 1
    await acts_on_a_rollout(RolloutBoard(client, "m"))
    await refuses(client, ["FLUSHALL"], ["SET", "us:u:{a}", ""], ["GET", "foreign"])
    await client.aclose()
    await direct.aclose()


async def test_wrong_password_is_a_miss_that_does_not_say_it(guarded: Cluster) -> None:
    store = RedisStore.open(url_of(guarded, "gateway").replace("-password", "-wrong"))
    told = await asyncio.gather(
        store.get_many([b"k"]), store.put_many({b"k": b""}, None), return_exceptions=True
    )
    assert all(isinstance(error, StoreUnavailable) for error in told)
    assert "gateway-wrong" not in str(told)
    await store.close()


async def refused(store: RedisStore, *values: dict[bytes, bytes]) -> None:
    for each in values:
        with pytest.raises(StoreUnavailable, match="NoPermission"):
            await store.put_many(each, None)


async def refuses(client: Any, *commands: list[str]) -> None:
    for command in commands:
        with pytest.raises(NoPermissionError):
            await client.execute_command(*command)
