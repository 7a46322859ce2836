import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.errors import MessageCorrupt
from cache.items import FIELD, ItemCounters, ItemFeed, decode, encode, pack_value, unpack_values
from cache.keys import ITEMS_STREAM, ITEMS_TABLE
from cache.memory_streams import MemoryStreams
from cache.memory_table import MemoryTable
from cache.table import Change


def make_items(*rows: tuple[int, float, int]) -> ItemCounters:
    return ItemCounters(
        np.array([key for key, _, _ in rows], np.uint64),
        np.array([[count, count / 2] for _, count, _ in rows]).reshape(-1, 2),
        np.array([at for _, _, at in rows], np.int64),
    )


def feed_of(streams: MemoryStreams, table: MemoryTable | None = None) -> ItemFeed:
    return ItemFeed(table or MemoryTable(), streams, width=2)


@given(st.integers(0, 30), st.integers(1, 5))
def test_items_read_back(count: int, width: int) -> None:
    rng = np.random.default_rng(count)
    items = ItemCounters(
        rng.integers(0, 1 << 63, count).astype(np.uint64),
        rng.random((count, width)),
        rng.integers(0, 1 << 41, count),
    )
    for written, read in zip(items, decode(encode(items)), strict=True):
        np.testing.assert_array_equal(read, written)


@given(st.binary(max_size=100))
def test_rubbish_is_no_item_message(data: bytes) -> None:
    for rubbish in (data, b"UI\x01\x02\xff" + data):
        with pytest.raises(MessageCorrupt):
            decode(rubbish)


async def test_snapshot_reads_the_whole_table() -> None:
    table = MemoryTable()
    value = pack_value(77, np.array([3.0, 0.125]))
    await table.change(ITEMS_TABLE, [Change(FIELD.pack(1 << 63), None, value)])
    items = await feed_of(MemoryStreams(), table).snapshot()
    assert items.keys.tolist() == [1 << 63]
    assert items.counters.tolist() == [[3.0, 0.125]]
    assert items.counters_at.tolist() == [77]


async def test_empty_table_gives_no_items() -> None:
    items = await feed_of(MemoryStreams()).snapshot()
    assert items.counters.shape == (0, 2)


def test_table_of_other_tasks_is_named() -> None:
    value = pack_value(77, np.array([3.0, 0.125]))
    with pytest.raises(MessageCorrupt, match="us:items"):
        unpack_values({FIELD.pack(1): value}, width=3)


async def test_follower_reads_each_change_once_and_the_newest_of_an_item() -> None:
    streams = MemoryStreams()
    feed = feed_of(streams)
    last_id = await feed.last_id()
    parts = [make_items((1, 1.0, 10), (2, 5.0, 10)), make_items((1, 2.0, 20))]
    await streams.append(ITEMS_STREAM, [encode(part) for part in parts], 100)
    items, last_id = await feed.follow(last_id, block_ms=0)
    assert items.keys.tolist() == [1, 2]
    assert items.counters[:, 0].tolist() == [2.0, 5.0]
    items, last_id = await feed.follow(last_id, block_ms=0)
    assert len(items.keys) == 0


async def test_damaged_change_is_passed_over() -> None:
    streams = MemoryStreams()
    await streams.append(ITEMS_STREAM, [b"rubbish", encode(make_items((4, 1.0, 10)))], 100)
    feed = feed_of(streams)
    items, last_id = await feed.follow(b"0-0", block_ms=0)
    assert items.keys.tolist() == [4]
    assert last_id == await feed.last_id()
