import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from cache.connection import connect
from cache.ending import end
from cache.items import ItemCounters, ItemFeed, encode, pack_value
from cache.keys import ITEMS_STREAM, ITEMS_TABLE
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.table import Change
from models.features.hashing import key64
from models.features.live_catalogue import LiveCatalogue
from models.features.records import F64
from server.item_updates import ItemUpdates
from server.metrics import Metrics
from tests.bundles import NOW_MS, tiny_catalogue
from tests.server.loaded_cache import clear
from tests.server.test_item_rows import SCHEMA

POLLS = 10_000


async def eventually(true: Callable[[], bool]) -> None:
    for _ in range(POLLS):
        if true():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came true")


async def until_counted(counters: F64, expected: F64) -> None:
    await eventually(lambda: counters.tolist() == expected.tolist())


@pytest.mark.redis
async def test_table_first_then_every_change(redis_url: str) -> None:
    clear(redis_url)
    client, live = connect(redis_url), LiveCatalogue(SCHEMA, tiny_catalogue())
    catalogue = live.view.base
    table, streams = RedisTable(client), RedisStreams(client)
    known, held = key64("item-3"), np.array([9.0, 2.0, 1.0])
    field = known.to_bytes(8, "little")
    await table.change(ITEMS_TABLE, [Change(field, None, pack_value(NOW_MS + 5, held))])
    updates = ItemUpdates(ItemFeed(table, streams, 3), live, Metrics())
    task = asyncio.create_task(updates.run())
    row = catalogue.rows(np.array([known], np.uint64))[0]
    try:
        await until_counted(catalogue.counters[row], held)
        changed = np.array([[10.0, 3.0, 1.0]])
        change = ItemCounters(np.array([known], np.uint64), changed, np.array([NOW_MS + 9]))
        await streams.append(ITEMS_STREAM, [b"damaged", encode(change)], 100)
        await until_counted(catalogue.counters[row], changed[0])
        assert catalogue.counters_at[row] == NOW_MS + 9
    finally:
        await end([task])
        await client.aclose()


@pytest.mark.redis
async def test_counters_of_other_tasks_stop_the_updates_and_say_so(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    clear(redis_url)
    client = connect(redis_url)
    table, streams = RedisTable(client), RedisStreams(client)
    await table.change(ITEMS_TABLE, [Change(b"8 bytes!", None, b"not so many")])
    live = LiveCatalogue(SCHEMA, tiny_catalogue())
    task = asyncio.create_task(ItemUpdates(ItemFeed(table, streams, 3), live, Metrics()).run())
    await eventually(lambda: bool(caplog.messages))
    await end([task])
    await client.aclose()
    assert "item counters stand still" in caplog.text
