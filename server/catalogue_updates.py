"""Keeps the catalogue as callers of /v1/items change it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from cache.catalogue_feed import CatalogueFeed
from cache.catalogue_rows import CatalogueRows
from cache.clock import wall_clock_ms
from cache.errors import CacheError
from models.features.item_changes import ItemChanges, parts
from models.features.live_catalogue import MAX_CHANGES, LiveCatalogue
from server.following import Following
from server.metrics import Metrics

CATCH_UP_S: Final = 10.0
log = logging.getLogger(__name__)


class CatalogueUpdates:
    def __init__(
        self,
        feed: CatalogueFeed,
        catalogue: LiveCatalogue,
        metrics: Metrics,
        clock_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._feed = feed
        self._catalogue = catalogue
        self._metrics = metrics.catalogue
        self._clock_ms = clock_ms
        self._following = Following(feed, self._take, "changes of the catalogue")
        self._rows = Counter(applied=0, same=0)
        self._metrics.updates.add(self._tally)

    async def catch_up(self) -> None:
        """Before the first request, so that a paused item is not shown by a process that has just
        started. A store that is slow or gone does not keep it from starting."""
        try:
            async with asyncio.timeout(CATCH_UP_S):
                await self._following.catch_up()
        except (CacheError, TimeoutError) as error:
            reason = str(error) or f"no answer within {CATCH_UP_S:g} s"
            log.warning("starting with the catalogue's file alone: %s", reason)

    async def run(self) -> None:
        await self._following.run()

    def close(self) -> None:
        """What was counted stays, and the catalogue is let go."""
        self._metrics.updates.settle(self._tally)

    async def _take(self, rows: CatalogueRows) -> None:
        for part in parts(rows, MAX_CHANGES):
            changed = await self._change(part)
            self._rows.update(applied=changed, same=len(part.keys) - changed)
        newest_ms = max(rows.status_at.max(initial=0), rows.columns_at.max(initial=0))
        now_ms = self._clock_ms() if self._following.has_begun else None
        self._metrics.newest(int(newest_ms), now_ms)

    async def _change(self, changes: ItemChanges) -> int:
        """Worked out in a thread: with a full delta it would keep requests waiting."""
        change = await asyncio.to_thread(self._catalogue.change, changes)
        self._catalogue.publish(change)
        return change.changed

    def _tally(self) -> dict[str, int]:
        return {**self._rows, "dropped": self._catalogue.left, "foreign": self._feed.foreign}
