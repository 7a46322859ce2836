"""A stream with a group and watchers: nobody loses a message to the other, and nothing stays."""

import asyncio
from collections.abc import AsyncIterator
from unittest.mock import patch

import pytest
from redis.asyncio import Redis

from cache import redis_streams
from cache import watch as watching
from cache.errors import StoreUnavailable
from cache.redis_streams import RedisStreams
from cache.watch import StreamWatch
from tests.contracts.stream_contract import GROUP, STREAM, bodies, read

pytestmark = pytest.mark.redis


@pytest.fixture
async def streams(redis_url: str) -> AsyncIterator[RedisStreams]:
    streams = RedisStreams.open(redis_url)
    await streams.ensure_group(STREAM, GROUP)
    yield streams
    await streams.close()


@pytest.fixture
async def watch(client: Redis, streams: RedisStreams) -> StreamWatch:
    watch = StreamWatch(client, STREAM, b"one")
    await watch.begin()
    return watch


async def settle(streams: RedisStreams, count: int = 10) -> list[bytes]:
    messages = await read(streams, count=count)
    await streams.acknowledge(STREAM, GROUP, [message.id for message in messages])
    return bodies(messages)


async def test_watcher_reads_what_the_group_has_already_acknowledged(
    streams: RedisStreams, watch: StreamWatch
) -> None:
    await streams.append(STREAM, [b"1", b"2", b"3"], 100)
    assert await settle(streams) == [b"1", b"2", b"3"]
    assert bodies(await watch.read(2, 0)) == [b"1", b"2"]
    assert bodies(await watch.read(2, 0)) == [b"3"]
    assert await watch.read(2, 0) == []


async def test_messages_that_ever_came_are_counted_whatever_became_of_them(
    client: Redis, streams: RedisStreams, watch: StreamWatch
) -> None:
    before = await watch.appended()
    await streams.append(STREAM, [b"1", b"2", b"3"], 100)
    assert await watch.appended() == before + 3
    await settle(streams)
    await client.xtrim(STREAM, maxlen=0)
    assert await watch.appended() == before + 3


async def test_nothing_came_to_a_stream_that_is_not_there(client: Redis) -> None:
    assert await StreamWatch(client, b"no-such-stream", b"one").appended() == 0


async def test_group_reads_what_the_watcher_has_already_read(
    streams: RedisStreams, watch: StreamWatch
) -> None:
    await streams.append(STREAM, [b"1", b"2"], 100)
    assert bodies(await watch.read(10, 0)) == [b"1", b"2"]
    assert await settle(streams) == [b"1", b"2"]
    assert await streams.length(STREAM) == 0


async def test_backlog_is_the_groups_own(streams: RedisStreams, watch: StreamWatch) -> None:
    await streams.append(STREAM, [b"1", b"2", b"3"], 100)
    assert await streams.backlog(STREAM, GROUP) == 3
    await settle(streams, 2)
    assert (await streams.length(STREAM), await streams.backlog(STREAM, GROUP)) == (3, 1)
    pending = await read(streams)
    assert await streams.backlog(STREAM, GROUP) == len(pending) == 1


async def test_backlog_of_what_is_not_there(streams: RedisStreams) -> None:
    assert await streams.backlog(b"nowhere", GROUP) == 0
    await streams.append(b"unread", [b"1"], 100)
    assert await streams.backlog(b"unread", GROUP) == 1


async def test_what_the_watcher_was_waited_for_goes_with_the_next_acknowledgement(
    streams: RedisStreams, watch: StreamWatch
) -> None:
    await streams.append(STREAM, [b"1", b"2"], 100)
    await settle(streams)
    await watch.read(10, 0)
    await streams.append(STREAM, [b"3"], 100)
    await settle(streams)
    assert await streams.length(STREAM) == 1
    await watch.read(10, 0)
    await streams.acknowledge(STREAM, GROUP, [b"0-1"])
    assert await streams.length(STREAM) == 0


async def test_pending_message_is_kept_though_later_ones_are_done(
    streams: RedisStreams, watch: StreamWatch
) -> None:
    await streams.append(STREAM, [b"1", b"2", b"3"], 100)
    await watch.read(10, 0)
    first, *others = await read(streams)
    await streams.acknowledge(STREAM, GROUP, [message.id for message in others])
    assert await streams.backlog(STREAM, GROUP) == 1
    assert bodies(await streams.claim_stale(STREAM, GROUP, b"heir", 0, 10)) == [b"1"]
    await streams.acknowledge(STREAM, GROUP, [first.id])
    assert await streams.length(STREAM) == 0


async def test_dead_watcher_is_waited_for_no_longer(
    streams: RedisStreams, watch: StreamWatch
) -> None:
    await streams.append(STREAM, [b"1"], 100)
    await settle(streams)
    assert await streams.length(STREAM) == 1
    await streams.append(STREAM, [b"2"], 100)
    with patch.object(redis_streams, "WATCHER_IDLE_MS", 0):
        await settle(streams)
    assert await streams.length(STREAM) == 0


async def test_ended_watch_leaves_nothing(streams: RedisStreams, watch: StreamWatch) -> None:
    await streams.append(STREAM, [b"1"], 100)
    await settle(streams)
    await watch.end()
    await watch.end()
    await streams.append(STREAM, [b"2"], 100)
    await settle(streams)
    assert await streams.length(STREAM) == 0


async def test_two_watchers_each_read_everything(
    client: Redis, streams: RedisStreams, watch: StreamWatch
) -> None:
    other = StreamWatch(client, STREAM, b"two")
    await streams.append(STREAM, [b"0"], 100)
    await other.begin()
    await streams.append(STREAM, [b"1"], 100)
    await settle(streams)
    assert bodies(await watch.read(10, 0)) == [b"0", b"1"]
    assert bodies(await other.read(10, 0)) == [b"1"]


async def test_watch_that_the_server_forgot_says_so_and_may_begin_again(
    client: Redis, streams: RedisStreams, watch: StreamWatch
) -> None:
    await client.flushall()
    with pytest.raises(StoreUnavailable):
        await watch.read(10, 0)
    await watch.begin()
    await watch.begin()
    await streams.append(STREAM, [b"1"], 100)
    assert bodies(await watch.read(10, 0)) == [b"1"]


async def test_groups_of_watchers_that_are_gone_go_with_the_next_that_begins(
    client: Redis, streams: RedisStreams, watch: StreamWatch
) -> None:
    await client.xgroup_create(STREAM, "watch:empty", id="$")
    await StreamWatch(client, STREAM, b"two").begin()
    assert await groups(client) == {GROUP, b"watch:one", b"watch:two"}
    with patch.object(watching, "GONE_MS", 0):
        await asyncio.sleep(0.002)
        await StreamWatch(client, STREAM, b"three").begin()
    assert await groups(client) == {GROUP, b"watch:three"}
    with pytest.raises(StoreUnavailable):
        await watch.read(10, 0)


async def groups(client: Redis) -> set[bytes]:
    return {told["name"] for told in await client.xinfo_groups(STREAM)}


async def test_group_that_rests_keeps_what_a_watcher_has_read(
    client: Redis, streams: RedisStreams, watch: StreamWatch
) -> None:
    """A watcher deletes nothing: an archive that comes back later finds all of it."""
    await streams.append(STREAM, [b"1", b"2"], 100)
    await watch.read(10, 0)
    await watch.end()
    assert await settle(streams) == [b"1", b"2"]
