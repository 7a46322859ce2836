"""Keeps the catalogue's live counters as ingest counts them."""

import asyncio
import logging
from typing import Final

from cache.errors import CacheError
from cache.items import ItemCounters, ItemFeed
from models.features.catalogue import Catalogue
from server.metrics import Metrics

RETRY_S: Final = 1.0
log = logging.getLogger(__name__)


class ItemUpdates:
    """Writes the catalogue's counters from the event loop, where requests read them."""

    def __init__(self, feed: ItemFeed, catalogue: Catalogue, metrics: Metrics) -> None:
        self._feed = feed
        self._catalogue = catalogue
        self._metrics = metrics

    async def run(self) -> None:
        """Until cancelled. After a failure it begins with the whole table again."""
        is_failing = False
        while True:
            try:
                await self._follow()
            except CacheError as error:
                if not is_failing:
                    log.warning("item counters stand still: %s", error)
                is_failing = True
                await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        last_id = await self._feed.last_id()
        self._write(await self._feed.snapshot())
        while True:
            items, last_id = await self._feed.follow(last_id)
            self._write(items)

    def _write(self, items: ItemCounters) -> None:
        catalogue = self._catalogue
        rows = catalogue.rows(items.keys)
        items.write_into(rows, catalogue.counters, catalogue.counters_at)
        self._metrics.item_updates.inc(len(rows))
