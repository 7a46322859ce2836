"""A lane in work: what runs for it beside requests, from its opening to its end."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from cache.catalogue_writer import CatalogueWriter
from server.background import Background
from server.cache_links import CacheLinks
from server.cache_status import StatusReporter
from server.catalogue_updates import CatalogueUpdates
from server.item_updates import ItemUpdates
from server.lane import STABLE, Lane, build_lane, load_model, load_stand_in
from server.metrics import Metrics
from server.mirror import Mirror
from server.warmup import warm_up

log = logging.getLogger(__name__)


class Source(NamedTuple):
    bundle: Path
    catalogue: Path | None = None  # None: the settings', or the one beside the bundle


class OpenLane:
    """Verified, warm, its catalogue up to date, and kept so until `close`."""

    def __init__(self, lane: Lane, links: CacheLinks, metrics: Metrics) -> None:
        self.lane = lane
        self.status = StatusReporter(lane, links)
        self.writer: CatalogueWriter | None = links.catalogue(lane.model.manifest)
        self._links = links
        self._metrics = metrics
        self._background = Background()

    @classmethod
    async def open(
        cls, source: Source, links: CacheLinks, metrics: Metrics, say: Callable[[str], None]
    ) -> Self:
        """Tells what it is doing. Raises BundleError, CatalogueError."""
        name = source.bundle.name
        say(f"verifying {name}")
        model, catalogue = await asyncio.to_thread(load_model, links.settings, *source)
        stand_in = await asyncio.to_thread(load_stand_in, links.settings, model.manifest)
        lane = build_lane(STABLE, source.bundle, model, catalogue, links, metrics, stand_in)
        if lane.triton is not None:
            say(f"asking Triton for {name}")
            await asyncio.to_thread(lane.triton.begin)
        say(f"warming up {name}")
        lane.admission.begin(await warm_up(lane))
        opened = cls(lane, links, metrics)
        say("reading what changed in the catalogue")
        await opened._follow()
        return opened

    def mirror(self) -> Mirror:
        """Fills this lane's space while another one answers."""
        manifest = self.lane.model.manifest
        reader = self._links.behind_requests().reader(manifest)
        demand = self.lane.feedback.demand
        mirror = Mirror(manifest.features, self._links.ttl, reader, demand)
        self._metrics.feeds.mirrored.add(mirror.counts)
        return mirror

    def serve(self) -> None:
        """From now on what the process says of itself is said of this lane."""
        lane, metrics = self.lane, self._metrics
        metrics.watch(lane.admission, self._links.breaker)
        metrics.catalogue.watch(lane.catalogue)
        metrics.freshness.watch(lane.name, lane.model.version, lane.freshness)
        metrics.bundles.tell(lane.name, lane.model)
        cost = lane.admission.cost
        log.info(
            "ready: %s on %s, %.3f ms a request and %.4f ms a candidate",
            lane.folder.name,
            lane.model.provider,
            cost.per_request_ms,
            cost.per_candidate_ms,
        )

    async def close(self) -> None:
        """A request that is in work with it is still answered."""
        await self._background.end()
        # Another lane may be answering meanwhile: neither the last run nor Triton keeps the loop.
        await asyncio.to_thread(self.lane.batcher.close)
        if self.lane.triton is not None:
            await asyncio.to_thread(self.lane.triton.close)

    async def _follow(self) -> None:
        lane, links, keep = self.lane, self._links, self._background.keep
        manifest, feedback = lane.model.manifest, lane.feedback
        changes, counters = links.changes(manifest), links.items(manifest)
        if changes is not None:
            updates = CatalogueUpdates(changes, lane.catalogue, self._metrics)
            await updates.catch_up()
            keep("catalogue", updates.run())
        means = links.item_means(manifest)
        if means is not None and lane.item_hints is not None:
            keep("item hints", lane.item_hints.follow(means))
        if counters is not None:
            keep("items", ItemUpdates(counters, lane.catalogue, self._metrics).run())
        if feedback.demand is not None:
            keep("demand", feedback.demand.run())
        if feedback.served is not None:
            keep("served", feedback.served.feed.run())
        keep("freshness", lane.freshness.run())
        if lane.triton is not None:
            keep("triton", lane.triton.watch())
