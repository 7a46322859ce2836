"""How one worker follows the catalogue: the table first, then what is told, whatever fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from cache.catalogue_feed import CatalogueFeed
from cache.catalogue_writer import CatalogueWriter
from cache.connection import connect
from cache.ending import end
from cache.keys import CATALOGUE_STREAM
from cache.memory_streams import MemoryStreams
from cache.memory_table import MemoryTable
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.item_layout import layout_of
from models.features.hashing import keys64
from models.features.live_catalogue import LiveCatalogue
from server.catalogue_updates import CatalogueUpdates
from server.metrics import Metrics
from tests.bundles import NOW_MS, log_schema, tiny_catalogue
from tests.server.changes import changes_of
from tests.server.loaded_cache import clear
from tests.server.test_item_rows import SCHEMA
from tests.server.test_item_updates import eventually
from tests.server.test_redis_down import closed_port

LAYOUT = layout_of(log_schema())


class Worker:
    """One process's catalogue over a client."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.metrics = Metrics()
        self.catalogue = LiveCatalogue(SCHEMA, tiny_catalogue())
        self.metrics.catalogue.watch(lambda: self.catalogue)
        self.feed = CatalogueFeed(RedisTable(client), RedisStreams(client), LAYOUT)
        self.updates = CatalogueUpdates(
            self.feed, self.catalogue, self.metrics, clock_ms=lambda: NOW_MS
        )
        self.writer = CatalogueWriter(client, LAYOUT)

    def is_withdrawn(self, *item_ids: str) -> bool:
        view = self.catalogue.view
        return bool(view.withdrawn(view.rows(keys64(item_ids))).all())

    def says(self, name: str, **labels: str) -> float | None:
        """Of its metrics."""
        return self.metrics.registry.get_sample_value(f"understudy_catalogue_{name}", labels)


@pytest.fixture
async def worker(redis_url: str) -> AsyncIterator[Worker]:
    clear(redis_url)
    client = connect(redis_url)
    yield Worker(client)
    await client.aclose()


async def following(worker: Worker, steps: Callable[[], Any]) -> None:
    task = asyncio.create_task(worker.updates.run())
    try:
        await steps()
    finally:
        await end([task])


@pytest.mark.redis
async def test_table_first_then_every_change(worker: Worker) -> None:
    await worker.writer.write(changes_of({"item-1": "paused"}))

    async def steps() -> None:
        await eventually(lambda: worker.is_withdrawn("item-1"))
        await worker.writer.write(changes_of({"item-2": "removed"}, at_ms=20))
        await eventually(lambda: worker.is_withdrawn("item-1", "item-2"))

    await following(worker, steps)


@pytest.mark.redis
async def test_started_worker_has_the_table_before_its_first_request(worker: Worker) -> None:
    await worker.writer.write(changes_of({"item-1": "paused"}))
    await worker.updates.catch_up()
    assert worker.is_withdrawn("item-1")


@pytest.mark.redis
async def test_worker_that_missed_changes_reads_the_table_again(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    await worker.updates.catch_up()
    await worker.writer.write(changes_of({"item-1": "paused"}))
    await worker.writer.write(changes_of({"item-2": "paused"}))
    await worker.client.xtrim(CATALOGUE_STREAM, maxlen=1, approximate=False)

    async def steps() -> None:
        await eventually(lambda: worker.is_withdrawn("item-1", "item-2"))

    await following(worker, steps)
    assert "read anew" in caplog.text


@pytest.mark.redis
async def test_damaged_message_is_made_good_from_the_table(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.following.RETRY_S", 0.01)
    await worker.updates.catch_up()
    await RedisStreams(worker.client).append(CATALOGUE_STREAM, [b"damaged"], 100)
    await worker.writer.write(changes_of({"item-1": "paused"}))

    async def steps() -> None:
        await eventually(lambda: worker.is_withdrawn("item-1"))

    await following(worker, steps)


@pytest.mark.redis
async def test_metrics_say_what_was_applied_and_how_late(worker: Worker) -> None:
    await worker.writer.write(changes_of({"item-1": "paused", "new": "active"}, NOW_MS - 9000))
    await worker.updates.catch_up()
    assert (worker.says("items"), worker.says("delta_rows")) == (301, 2)
    assert worker.says("lag_seconds") == 0  # it was not told late

    async def steps() -> None:
        await worker.writer.write(changes_of({"item-2": "paused"}, NOW_MS - 250))
        await eventually(lambda: worker.is_withdrawn("item-2"))

    await following(worker, steps)
    assert worker.says("lag_seconds") == 0.25
    assert worker.says("newest_timestamp_seconds") == (NOW_MS - 250) / 1000
    assert worker.says("updates_total", outcome="applied") == 3


async def test_store_that_is_gone_does_not_keep_a_worker_from_starting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connect(closed_port()) as client:
        await Worker(client).updates.catch_up()
    assert "starting with the catalogue's file alone" in caplog.text


async def test_store_that_never_ends_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Endless(CatalogueFeed):
        async def last_id(self) -> bytes:
            return await asyncio.Future()

    monkeypatch.setattr("server.catalogue_updates.CATCH_UP_S", 0.01)
    feed = Endless(MemoryTable(), MemoryStreams(), LAYOUT)
    live = LiveCatalogue(SCHEMA, tiny_catalogue())
    await CatalogueUpdates(feed, live, Metrics()).catch_up()
    assert "no answer within" in caplog.text
