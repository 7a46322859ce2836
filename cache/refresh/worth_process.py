"""`understudy worth` put together: what it needs of the server, and the summary that it leaves."""

import asyncio
from contextlib import suppress

from cache.catalogue_feed import CatalogueFeed
from cache.clock import wall_clock_ms
from cache.connection import connect
from cache.errors import StoreUnavailable
from cache.keys import EVENTS_STREAM, SERVED_STREAM
from cache.redis_store import RedisStore
from cache.redis_streams import MAX_BLOCK_MS, RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.follower import Followed
from cache.refresh.item_layout import layout_of
from cache.refresh.process import consumer_name
from cache.refresh.tally import Tally
from cache.refresh.worth_judge import Judge
from cache.refresh.worth_loop import WorthLoop
from cache.refresh.worth_window import AttributionWindow
from cache.watch import StreamWatch
from cache.worth_summary import WorthSummary, write_summary
from models.features.live_catalogue import LiveCatalogue


class WorthProcess:
    """Owns its connections. `run` once.

    Any number may run, each for itself: every one judges all that is sampled, and the summary is
    that of whoever wrote last.
    """

    def __init__(
        self,
        redis_url: str,
        judge: Judge,
        items: LiveCatalogue,
        window: AttributionWindow,
        tally: Tally,
    ) -> None:
        self._client = connect(redis_url)
        # Reads that wait keep a connection: nothing else may queue behind them.
        self._waiting = connect(redis_url, wait_ms=2 * MAX_BLOCK_MS)
        self._store = RedisStore(self._client)
        self._streams = RedisStreams(self._waiting)
        self._judge = judge
        self._since_ms = wall_clock_ms()
        name, log = consumer_name(), judge.log
        changes = CatalogueFeed(RedisTable(self._client), self._streams, layout_of(log))
        self.loop = WorthLoop(
            StreamWatch(self._waiting, SERVED_STREAM, name),
            StreamWatch(self._waiting, EVENTS_STREAM, name),
            self._store, judge, window, tally, Followed(changes, items.apply),
        )  # fmt: skip

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await self.loop.run(stop)
            with suppress(StoreUnavailable):
                await self.measure()
        finally:
            await self._store.close()
            await self._streams.close()

    async def measure(self) -> None:
        """Raises StoreUnavailable."""
        self.loop.measure()
        pair = self._judge.pair
        summary = WorthSummary(
            wall_clock_ms(), self._since_ms, pair.model, pair.version, pair.teacher,
            self._judge.task, self.loop.sums.worth(),
        )  # fmt: skip
        await write_summary(self._client, pair.space, summary)
