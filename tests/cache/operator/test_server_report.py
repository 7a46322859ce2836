from typing import Any

import pytest
from redis.asyncio import Redis

from cache.keys import DEAD_STREAM, EVENTS_STREAM
from cache.operator.server_report import server_report
from tests.cache.operator.filled import demand

pytestmark = pytest.mark.redis


async def test_streams_tell_their_backlog_and_who_reads_them(client: Redis) -> None:
    redis: Any = client
    for stream in (EVENTS_STREAM, b"us:stream:of-tomorrow"):
        await redis.xadd(stream, {b"b": b"body"})
    await redis.xgroup_create(EVENTS_STREAM, b"ingest", id="0")
    await redis.xreadgroup(b"ingest", b"one", {EVENTS_STREAM: ">"}, count=1)
    await demand(client, "s", messages=4, taken=3)
    told = await server_report(client)
    streams = {stream.name: stream for stream in told.streams}
    assert list(streams) == [
        "us:stream:dead",
        "us:stream:demand:{s:0}",
        "us:stream:demand:{s:1}",
        "us:stream:demand:{s:2}",
        "us:stream:events",
        "us:stream:items",
        "us:stream:of-tomorrow",
    ]
    assert [streams[f"us:stream:demand:{{s:{n}}}"].length for n in range(3)] == [2, 1, 1]
    [group] = streams["us:stream:events"].groups
    assert (group.name, group.consumers, group.pending) == ("ingest", 1, 1)
    assert (streams["us:stream:events"].length, streams["us:stream:events"].pending) == (1, 1)
    assert not streams["us:stream:items"].is_there


async def test_memory_and_policy_are_the_servers(client: Redis) -> None:
    told = await server_report(client)
    assert told.memory_max_bytes == 64 << 20
    assert 0 < told.memory_used_bytes < told.memory_max_bytes
    assert told.eviction_policy == "volatile-lru"
    assert told.keys == 0


async def test_newest_dead_letters_say_why_and_keep_their_bodies_to_themselves(
    client: Redis,
) -> None:
    redis: Any = client
    for number in range(7):
        letter = b"stream 1-0: MessageCorrupt: rubbish %d\0\xff\0body" % number
        await redis.xadd(DEAD_STREAM, {b"b": letter})
    told = await server_report(client)
    assert told.dead_letters == [
        f"stream 1-0: MessageCorrupt: rubbish {number}" for number in (6, 5, 4, 3, 2)
    ]
