"""The one script that writes table and stream, against a dictionary, on a real server."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from cache.catalogue_feed import CatalogueFeed
from cache.catalogue_rows import MAX_ROWS, CatalogueRows, Layout
from cache.catalogue_writer import STREAM_LIMIT, CatalogueWriter
from cache.connection import connect
from cache.errors import StoreUnavailable
from cache.feed import ChangesMissed
from cache.keys import CATALOGUE_STREAM, CATALOGUE_TABLE
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.streams import START
from tests.cache.catalogue import LAYOUT, make_rows

pytestmark = pytest.mark.redis


def feed_of(client: Redis, layout: Layout = LAYOUT) -> CatalogueFeed:
    return CatalogueFeed(RedisTable(client), RedisStreams(client), layout)


async def table_of(client: Redis, layout: Layout = LAYOUT) -> CatalogueRows:
    return layout.joined([part async for part in feed_of(client, layout).parts()]).last_of_each()


async def follow(client: Redis, last_id: bytes = START) -> tuple[CatalogueRows, bytes]:
    """All that came, and the last id."""
    parts = [LAYOUT.none()]
    while True:
        rows, after = await feed_of(client).follow(last_id, block_ms=0)
        parts.append(rows)
        if after == last_id:
            return LAYOUT.joined(parts).last_of_each(), last_id
        last_id = after


def told(rows: CatalogueRows) -> list[tuple[Any, ...]]:
    return [
        (key, status, at, columns_at, number if number == number else None)
        for key, status, at, columns_at, number in zip(
            rows.keys.tolist(), rows.status.tolist(), rows.status_at.tolist(),
            rows.columns_at.tolist(), rows.numbers[:, 0].tolist(), strict=True,
        )
    ]  # fmt: skip


async def test_written_rows_are_in_the_table_and_told(client: Redis) -> None:
    rows = make_rows(1, 2, (1 << 64) - 1)
    assert await CatalogueWriter(client, LAYOUT).write(rows) == 3
    followed, last_id = await follow(client)
    for read in (await table_of(client), followed):
        for written, column in zip(rows, read, strict=True):
            np.testing.assert_array_equal(column, written)
    nothing, same_id = await follow(client, last_id)
    assert (len(nothing.keys), same_id) == (0, last_id)


async def test_later_word_holds_whatever_comes_last(client: Redis) -> None:
    writer = CatalogueWriter(client, LAYOUT)
    assert await writer.write(make_rows(1, at=20, number=2.0)) == 1
    assert await writer.write(make_rows(1, at=10, status=1, number=9.0)) == 0
    assert told(await table_of(client)) == [(1, 0, 20, 20, 2.0)]
    assert await client.xlen(CATALOGUE_STREAM) == 1


async def test_pause_keeps_the_columns_and_late_columns_keep_the_pause(client: Redis) -> None:
    writer = CatalogueWriter(client, LAYOUT)
    await writer.write(make_rows(1, at=10, number=2.0))
    await writer.write(make_rows(1, at=30, status=1, number=None))
    await writer.write(make_rows(1, at=20, number=3.0))
    assert told(await table_of(client)) == [(1, 1, 30, 20, 3.0)]
    followed, _ = await follow(client)
    assert told(followed) == [(1, 1, 30, 20, 3.0)]


async def test_same_batch_again_is_told_to_nobody(client: Redis) -> None:
    writer = CatalogueWriter(client, LAYOUT)
    rows = make_rows(*range(50))
    assert [await writer.write(rows) for _ in range(2)] == [50, 0]
    assert await client.xlen(CATALOGUE_STREAM) == 1


WORDS = st.tuples(
    st.integers(1, 4), st.integers(1, 5), st.integers(0, 2), st.sampled_from((None, 1.0, 2.0))
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(WORDS, max_size=12))
async def test_table_holds_what_a_dictionary_would(
    redis_url: str, words: list[tuple[int, int, int, float | None]]
) -> None:
    client = connect(redis_url)
    await client.flushall()
    expected: dict[int, list[Any]] = {}
    for key, at, status, number in words:
        await CatalogueWriter(client, LAYOUT).write(
            make_rows(key, at=at, status=status, number=number)
        )
        held = expected.setdefault(key, [0, 0, 0, None])
        if at >= held[1]:
            held[:2] = status, at
        if number is not None and at >= held[2]:
            held[2:] = at, number
    assert told(await table_of(client)) == [(key, *expected[key]) for key in sorted(expected)]
    followed, _ = await follow(client)
    assert told(followed) == told(await table_of(client))
    await client.aclose()


async def test_row_of_another_log_schema_is_written_over(client: Redis) -> None:
    await CatalogueWriter(client, Layout(7, 2, 1)).write(make_rows(1, at=99, status=1))
    assert await CatalogueWriter(client, LAYOUT).write(make_rows(1, at=10)) == 1
    assert told(await table_of(client)) == [(1, 0, 10, 10, 1.5)]
    feed = feed_of(client)
    rows, _ = await feed.follow(START, block_ms=0)
    assert (told(rows), feed.foreign) == ([(1, 0, 10, 10, 1.5)], 1)


async def test_reader_that_missed_a_message_is_told_so(client: Redis) -> None:
    writer = CatalogueWriter(client, LAYOUT)
    for at in (1, 2, 3):
        await writer.write(make_rows(1, at=at))
    first, second, _ = await RedisStreams(client).read_after(CATALOGUE_STREAM, START, 9, 0)
    await client.xtrim(CATALOGUE_STREAM, minid=second.id, approximate=False)
    assert told((await follow(client, first.id))[0]) == [(1, 0, 3, 3, 1.5)]
    with pytest.raises(ChangesMissed, match="0-0"):
        await follow(client, START)


async def test_server_that_lost_its_memory_is_noticed(client: Redis) -> None:
    writer = CatalogueWriter(client, LAYOUT)
    await writer.write(make_rows(1))
    _, last_id = await follow(client)
    await client.flushall()
    await client.xadd(b"clock", {b"": b""})
    while (await client.xinfo_stream(b"clock"))["last-generated-id"] <= last_id:
        await client.xadd(b"clock", {b"": b""})
    await writer.write(make_rows(1, at=4))
    with pytest.raises(ChangesMissed, match="after 0-0"):
        await follow(client, last_id)


async def test_store_that_fails_halfway_has_written_nothing(client: Redis) -> None:
    await client.set(CATALOGUE_STREAM, b"no stream")
    with pytest.raises(StoreUnavailable, match="write the catalogue"):
        await CatalogueWriter(client, LAYOUT).write(make_rows(1, 2))
    assert await client.hlen(CATALOGUE_TABLE) == 0


async def test_stream_stays_bounded(client: Redis) -> None:
    writer = CatalogueWriter(client, LAYOUT)
    for at in range(1, 2 * STREAM_LIMIT):
        await writer.write(make_rows(1, at=at))
    assert await client.xlen(CATALOGUE_STREAM) < STREAM_LIMIT + 200


async def test_forgotten_are_only_rows_that_are_still_as_they_were(client: Redis) -> None:
    writer = CatalogueWriter(client, LAYOUT)
    await writer.write(make_rows(*range(1, 401)))
    held = await table_of(client)
    await writer.write(make_rows(5, at=11))
    assert await writer.forget(held) == 399
    assert (await table_of(client)).keys.tolist() == [5]


async def test_too_many_rows_are_refused(client: Redis) -> None:
    writer = CatalogueWriter(client, LAYOUT)
    assert await writer.write(make_rows()) == 0
    assert await writer.write(make_rows(*range(MAX_ROWS))) == MAX_ROWS
    with pytest.raises(ValueError, match="1001"):
        await writer.write(make_rows(*range(MAX_ROWS + 1)))
