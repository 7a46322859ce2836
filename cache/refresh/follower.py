"""A backstage process's catalogue, kept up to date between batches."""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

from cache.catalogue_feed import CatalogueFeed
from cache.errors import MessageCorrupt
from cache.feed import ChangesMissed, Feed
from cache.items import ItemFeed
from cache.refresh.item_layout import layout_of
from cache.streams import Streams
from cache.table import Table
from models.features.live_catalogue import LiveCatalogue
from models.schema import LogSchema

T = TypeVar("T")


class Followed(Generic[T]):
    def __init__(self, feed: Feed[T], apply: Callable[[T], object]) -> None:
        self._feed = feed
        self._apply = apply
        self._last_id: bytes | None = None

    async def catch_up(self) -> None:
        """Applies all that came since the last call, without waiting for more."""
        if self._last_id is None:
            await self._begin()
        try:
            while await self._follow():
                pass
        except (ChangesMissed, MessageCorrupt):
            # Between two batches the stream may have lost what was never read.
            await self._begin()

    async def _begin(self) -> None:
        last_id = await self._feed.last_id()
        async for part in self._feed.parts():
            self._apply(part)
        self._last_id = last_id

    async def _follow(self) -> bool:
        """Whether anything had come."""
        before = self._last_id
        assert before is not None, "begun"
        changed, self._last_id = await self._feed.follow(before, block_ms=0)
        self._apply(changed)
        return self._last_id != before


class ItemFollower:
    """Owns its catalogue: nobody else in the process may publish or count."""

    def __init__(self, items: LiveCatalogue, changes: CatalogueFeed, counts: ItemFeed) -> None:
        # In this order: an item must be there to be counted.
        self._followed: list[Followed[Any]] = [
            Followed(changes, items.apply),
            Followed(counts, items.count),
        ]

    @classmethod
    def of(cls, items: LiveCatalogue, table: Table, streams: Streams, schema: LogSchema) -> Self:
        changes = CatalogueFeed(table, streams, layout_of(schema))
        return cls(items, changes, ItemFeed(table, streams, 1 + len(schema.tasks)))

    async def catch_up(self) -> None:
        for followed in self._followed:
            await followed.catch_up()
