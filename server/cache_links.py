"""The gateway's connections to the cache, built from the settings. Nothing is opened here: a
server that is down is met, and counted, when it is first asked."""

from typing import Final, NamedTuple, Self

from redis.asyncio import Redis

from cache.breaker import CircuitBreaker
from cache.catalogue_feed import CatalogueFeed
from cache.catalogue_writer import CatalogueWriter
from cache.connection import connect
from cache.demand_feed import DemandFeed
from cache.events import EventFeed
from cache.item_means import ItemMeanFeed
from cache.items import ItemFeed
from cache.null_store import NullStore
from cache.reader import CacheReader
from cache.redis_demand import RedisDemand
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.item_layout import layout_of
from cache.rollout_board import RolloutBoard
from cache.served_feed import ServedFeed
from cache.store import Store
from cache.tiers import TtlPolicy
from models.manifest import Manifest
from server.lower_tiers import lower_tiers
from server.settings import Settings

FEEDS: Final = 3
"""Of a lane, each of which keeps a connection waiting for what is new."""
LANES: Final = 3
"""Of a model: one that answers, one that is tried, one that came before."""
WRITERS: Final = 6


class CacheLinks(NamedTuple):
    """`streams`, `table` and `client` are None when no Redis is configured."""

    settings: Settings
    store: Store
    breaker: CircuitBreaker
    streams: RedisStreams | None
    table: RedisTable | None
    client: Redis | None = None

    @property
    def ttl(self) -> TtlPolicy:
        return TtlPolicy(self.settings.soft_ttl_s, self.settings.hard_ttl_s)

    def behind_requests(self) -> Self:
        """For reads that no request waits for: their failures open no breaker of requests."""
        return self._replace(breaker=_breaker(self.settings, self.store))

    def reader(self, manifest: Manifest) -> CacheReader:
        settings = self.settings
        return CacheReader(
            self.store,
            manifest.reads_space if settings.teacher_cache else None,
            settings.cache_timeout_ms,
            self.breaker,
            manifest.features.log.fingerprint(),
            reads_neighbours="neighbour" in lower_tiers(settings, manifest),
        )

    def item_means(self, manifest: Manifest) -> ItemMeanFeed | None:
        """None for a student that reads no item tier."""
        if self.streams is None or self.table is None:
            return None
        if "item" not in lower_tiers(self.settings, manifest):
            return None
        space, dim = manifest.reads_space or "", manifest.features.teacher_dim
        return ItemMeanFeed(self.table, self.streams, space, dim, self.ttl)

    def demand(self, manifest: Manifest) -> DemandFeed | None:
        if self.client is None or manifest.reads_space is None or not self.settings.teacher_cache:
            return None
        return DemandFeed(
            RedisDemand(self.client, manifest.reads_space),
            queue_limit=self.settings.demand_capacity,
            window_s=self.settings.demand_window_s,
        )

    def served(self) -> ServedFeed | None:
        if self.streams is None or not self.settings.served_share:
            return None
        return ServedFeed(
            self.streams,
            queue_limit=self.settings.served_capacity,
            stream_limit=self.settings.served_backlog,
        )

    def rollout(self, model: str) -> RolloutBoard | None:
        return None if self.client is None else RolloutBoard(self.client, model)

    def events(self) -> EventFeed | None:
        return None if self.streams is None else EventFeed(self.streams)

    def items(self, manifest: Manifest) -> ItemFeed | None:
        if self.streams is None or self.table is None:
            return None
        return ItemFeed(self.table, self.streams, 1 + len(manifest.tasks))

    def changes(self, manifest: Manifest) -> CatalogueFeed | None:
        if self.streams is None or self.table is None:
            return None
        return CatalogueFeed(self.table, self.streams, layout_of(manifest.features.log))

    def catalogue(self, manifest: Manifest) -> CatalogueWriter | None:
        if self.client is None:
            return None
        return CatalogueWriter(self.client, layout_of(manifest.features.log))

    async def close(self) -> None:
        await self.store.close()
        if self.streams is not None:
            await self.streams.close()


def cache_links(settings: Settings) -> CacheLinks:
    url = settings.redis_url
    if url is None:
        nothing = NullStore()
        return CacheLinks(settings, nothing, _breaker(settings, nothing), None, None)
    # Reads of requests never wait behind the blocking reads of a stream: a client for each.
    store = RedisStore.open(url, wait_ms=settings.cache_timeout_ms)
    waiting = FEEDS * LANES * max(len(settings.bundle), 1)
    client = connect(url, max_connections=waiting + WRITERS)
    breaker = _breaker(settings, store)
    return CacheLinks(settings, store, breaker, RedisStreams(client), RedisTable(client), client)


def _breaker(settings: Settings, store: Store) -> CircuitBreaker:
    limits = settings.breaker_failures, settings.breaker_open_ms / 1000.0
    return store.breaker(*limits) if isinstance(store, RedisStore) else CircuitBreaker(*limits)
