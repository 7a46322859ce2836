"""A process's catalogue with live counters."""

from cache.items import ItemCounters, ItemFeed
from cache.streams import START
from models.features.catalogue import Catalogue


class ItemFollower:
    """Owns the counters of its catalogue: nobody else in the process may write them."""

    def __init__(self, feed: ItemFeed, catalogue: Catalogue) -> None:
        self._feed = feed
        self._catalogue = catalogue
        self._last_id = START
        self._is_started = False

    async def catch_up(self) -> None:
        """Applies all that was counted since the last call, without waiting for more."""
        if not self._is_started:
            self._last_id = await self._feed.last_id()
            self._apply(await self._feed.snapshot())
            self._is_started = True
        while await self._follow():
            pass

    async def _follow(self) -> bool:
        """Whether anything had come."""
        changed, last_id = await self._feed.follow(self._last_id, block_ms=0)
        self._apply(changed)
        had_more, self._last_id = last_id != self._last_id, last_id
        return had_more

    def _apply(self, items: ItemCounters) -> None:
        rows = self._catalogue.rows(items.keys)
        items.write_into(rows, self._catalogue.counters, self._catalogue.counters_at)
