"""A lane in work: what runs for it beside requests, from its opening to its end."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Self

from cache.catalogue_writer import CatalogueWriter
from cache.reader import CacheReader
from models.features.catalogue import Catalogue
from models.manifest import Manifest
from models.runtime import Model
from server.admission import Cost, Room
from server.background import Background
from server.cache_links import CacheLinks
from server.cache_status import StatusReporter
from server.catalogue_updates import CatalogueUpdates
from server.collectors import Tally
from server.execution import threads_of
from server.item_updates import ItemUpdates
from server.lane import STABLE, Lane, build_lane, load_model, load_stand_in
from server.long_run import LongRuns
from server.metrics import Metrics
from server.mirror import Mirror
from server.nice_thread import in_nice_thread
from server.settings import Settings
from server.warmup import warm_up

PAUSE_S: Final = 0.005
"""Between two requests of the warm-up of a lane that is opened while another one answers."""


TOLD_S: Final = 1.0
"""After the last answer: what is told behind answers is on its way by then."""

log = logging.getLogger(__name__)
Counts = Callable[[], Mapping[str, int]]


class Source(NamedTuple):
    bundle: Path
    catalogue: Path | None = None  # None: the settings', or the one beside the bundle

    def catalogue_of(self, settings: Settings) -> Path:
        beside = self.bundle.parent / "catalogue.safetensors"
        return self.catalogue or settings.catalogue or beside


class Beside(NamedTuple):
    """How a lane is opened while another one answers."""

    answering: Cost
    work: float  # a request's, as a multiple of the answering lane's

    @property
    def cost(self) -> Cost:
        """What warm-up finds is no cost of a request while others are answered."""
        per_request_ms, per_candidate_ms = (
            self.answering.per_request_ms,
            self.answering.per_candidate_ms,
        )
        return Cost(per_request_ms * self.work, per_candidate_ms * self.work)


class OpenLane:
    """Verified, warm, its catalogue up to date, and kept so until `close`."""

    def __init__(self, source: Source, lane: Lane, links: CacheLinks, metrics: Metrics) -> None:
        self.source = source
        self.lane = lane
        self.status = StatusReporter(lane, links)
        self.writer: CatalogueWriter | None = links.catalogue(lane.model.manifest)
        self._links = links
        self._metrics = metrics
        self._background = Background()
        self._names = [lane]
        """The lane under each name that it has had."""
        self._updates: CatalogueUpdates | None = None
        self._counts: list[tuple[Tally, Counts]] = []
        self._count_feeds()

    @property
    def manifest(self) -> Manifest:
        return self.lane.model.manifest

    @classmethod
    async def open(
        cls,
        source: Source,
        links: CacheLinks,
        metrics: Metrics,
        say: Callable[[str], None],
        beside: Beside | None = None,
        room: Room | None = None,
    ) -> Self:
        """Tells what it is doing. Raises BundleError, CatalogueError."""
        name, settings = source.bundle.name, links.settings
        say(f"verifying {name}")
        model, catalogue, stand_in = await _loaded(settings, source, is_alone=beside is None)
        lane = build_lane(STABLE, source.bundle, model, catalogue, links, metrics, stand_in, room)
        opened = cls(source, lane, links, metrics)
        try:
            await opened._begin(say, beside)
        except BaseException:
            await opened.close()
            raise
        return opened

    def reader_behind(self) -> CacheReader:
        """Of this lane's space, for reads that no request waits for."""
        return self._links.behind_requests().reader(self.manifest)

    def mirror(self) -> Mirror:
        """Fills this lane's space while another one answers."""
        demand = self.lane.feedback.demand
        return Mirror(self.manifest.features, self._links.ttl, self.reader_behind(), demand)

    def name(self, name: str) -> None:
        """From the next request on. Those in hand are answered under the name before."""
        if self.lane.name == name:
            return
        self._metrics.freshness.forget(self.lane.freshness)
        self.lane = self.lane.named(name, self._links.settings, self._metrics)
        self._names.append(self.lane)
        self.status = StatusReporter(self.lane, self._links)
        self._background.keep("freshness", self.lane.freshness.run())

    async def retire(self) -> None:
        """For a lane that is chosen no more: closed after its last request."""
        await self.lane.in_hand.left()
        await asyncio.sleep(TOLD_S)
        await self.close()

    async def close(self) -> None:
        """A request that is in work with it is still answered."""
        await self._background.end()
        # Another lane may be answering meanwhile: neither the last run nor Triton keeps the loop.
        if not await asyncio.to_thread(self.lane.batcher.close):
            log.error("%s has not come back, and is left behind", self.lane.folder.name)
            self.lane.batcher.refuse_waiting(late_only=False)
        if self.lane.triton is not None:
            await asyncio.to_thread(self.lane.triton.close)
        if self._updates is not None:
            self._updates.close()
        for tally, counts in self._counts:
            tally.settle(counts)
        for lane in self._names:
            lane.feedback.lane.close()
            self._metrics.freshness.forget(lane.freshness)

    async def _begin(self, say: Callable[[str], None], beside: Beside | None) -> None:
        lane, name = self.lane, self.lane.folder.name
        if lane.triton is not None:
            say(f"asking Triton for {name}")
            await asyncio.to_thread(lane.triton.begin)
        say(f"warming up {name}")
        found = await warm_up(lane, 0.0 if beside is None else PAUSE_S)
        lane.admission.begin(found if beside is None else beside.cost)
        say("reading what changed in the catalogue")
        await self._follow()

    def _count_feeds(self) -> None:
        feeds, feedback = self._metrics.feeds, self.lane.feedback
        if feedback.demand is not None:
            self._count(feeds.demand, feedback.demand.counts)
        if feedback.served is not None:
            self._count(feeds.served, feedback.served.feed.counts)

    def _count(self, tally: Tally, counts: Mapping[str, int]) -> None:
        """Until the lane is closed; what was counted by then stays."""
        self._counts.append((tally, lambda: counts))
        tally.add(self._counts[-1][1])

    async def _follow(self) -> None:
        lane, links, keep = self.lane, self._links, self._background.keep
        keep("long runs", LongRuns(lane.batcher, lane.folder.name).run())
        manifest, feedback = lane.model.manifest, lane.feedback
        changes, counters = links.changes(manifest), links.items(manifest)
        if changes is not None:
            updates = CatalogueUpdates(changes, lane.catalogue, self._metrics)
            self._updates = updates
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


Loaded = tuple[Model, Catalogue, Model | None]


async def _loaded(settings: Settings, source: Source, *, is_alone: bool) -> Loaded:
    """Raises BundleError, CatalogueError."""
    work = partial(_load, settings, source)
    # Threads of a session are as nice as the one that opens it, for good.
    is_plain = threads_of(settings) == 1 and settings.provider == "cpu"
    if is_alone or not is_plain:
        return await asyncio.to_thread(work)
    return await in_nice_thread(work)


def _load(settings: Settings, source: Source) -> Loaded:
    """Blocking."""
    model, catalogue = load_model(settings, *source)
    return model, catalogue, load_stand_in(settings, model.manifest)
