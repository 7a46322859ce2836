"""Keeps the catalogue's live counters as ingest counts them."""

from cache.items import ItemCounters, ItemFeed
from models.features.live_catalogue import LiveCatalogue
from server.following import Following
from server.metrics import Metrics


class ItemUpdates:
    """Writes the catalogue's counters from the event loop, where requests read them."""

    def __init__(self, feed: ItemFeed, catalogue: LiveCatalogue, metrics: Metrics) -> None:
        self._catalogue = catalogue
        self._metrics = metrics
        self._following = Following(feed, self._write, "item counters")

    async def run(self) -> None:
        await self._following.run()

    async def _write(self, items: ItemCounters) -> None:
        self._catalogue.count(items)
        self._metrics.item_updates.inc(len(items.keys))
