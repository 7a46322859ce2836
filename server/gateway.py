"""What a gateway process holds while it runs: built at start, torn down in reverse."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from cache.catalogue_writer import CatalogueWriter
from cache.ending import end
from cache.events import EventFeed
from models.features.catalogue import CatalogueError
from models.manifest import BundleError
from server.cache_links import CacheLinks, cache_links
from server.catalogue_updates import CatalogueUpdates
from server.errors import NotReady, ServingError
from server.item_updates import ItemUpdates
from server.lane import STABLE, Lane, build_lane, load_model
from server.metrics import Metrics
from server.settings import Settings
from server.warmup import warm_up

log = logging.getLogger(__name__)


class Gateway:
    """Not ready until its bundle is verified and warm; `reason` says what it waits for."""

    def __init__(self, settings: Settings, on_ready: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self._on_ready = on_ready
        self.metrics = Metrics()
        self.events: EventFeed | None = None
        self.catalogue: CatalogueWriter | None = None
        self.reason = "starting"
        self._lane: Lane | None = None
        self._links: CacheLinks | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def lane(self) -> Lane:
        """Raises NotReady."""
        if self._lane is None:
            raise NotReady(
                self.reason,
                remedy="wait for /readyz, or start the gateway with a bundle that verifies",
                retry_after_s=1,
            )
        return self._lane

    async def start(self) -> None:
        """Returns at once: the process answers /healthz while the bundle is still loading."""
        self._links = cache_links(self.settings)
        self.events = self._links.events()
        self._keep("open", self._open(self._links))

    async def stop(self) -> None:
        await end(self._tasks)
        lane, self._lane, self.reason = self._lane, None, "stopping"
        if lane is not None:
            lane.batcher.close()
        if self._links is not None:
            await self._links.close()

    async def _open(self, links: CacheLinks) -> None:
        try:
            await self._open_lane(links)
        except (BundleError, CatalogueError, ServingError) as error:
            self.reason = str(error)
            log.error("not ready: %s", error)
        except Exception as error:
            self.reason = f"the bundle could not be opened: {error!r}"
            raise

    async def _open_lane(self, links: CacheLinks) -> None:
        folder = self.settings.bundle
        if folder is None:
            raise NotReady("no bundle is given: set UNDERSTUDY_BUNDLE, or serve --bundle")
        self.reason = f"verifying {folder.name}"
        model, catalogue = await asyncio.to_thread(load_model, self.settings, folder)
        lane = build_lane(STABLE, folder, model, catalogue, links, self.metrics)
        self.reason = f"warming up {folder.name}"
        lane.admission.begin(await warm_up(lane))
        await self._follow_catalogue(lane, links)
        self._announce(lane, links)

    async def _follow_catalogue(self, lane: Lane, links: CacheLinks) -> None:
        feed = links.changes(lane.model.manifest)
        if feed is None:
            return
        self.reason = "reading what changed in the catalogue"
        updates = CatalogueUpdates(feed, lane.catalogue, self.metrics)
        await updates.catch_up()
        self._keep("catalogue", updates.run())
        self.catalogue = links.catalogue(lane.model.manifest)

    def _announce(self, lane: Lane, links: CacheLinks) -> None:
        manifest = lane.model.manifest
        feed = links.items(manifest)
        if feed is not None:
            self._keep("items", ItemUpdates(feed, lane.catalogue, self.metrics).run())
        if lane.feedback.demand is not None:
            self._keep("demand", lane.feedback.demand.run())
        if lane.feedback.served is not None:
            self._keep("served", lane.feedback.served.feed.run())
        self.metrics.watch(lane.admission, links.breaker)
        space = manifest.reads_space or ""
        self.metrics.bundle.labels(lane.name, manifest.name, lane.model.version, space).set(1)
        self._on_ready()
        self._lane = lane
        cost = lane.admission.cost
        log.info(
            "ready: %s, %.3f ms a request and %.4f ms a candidate",
            lane.folder.name,
            cost.per_request_ms,
            cost.per_candidate_ms,
        )

    def _keep(self, name: str, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report)
        self._tasks.append(task)


def _report(task: asyncio.Task[None]) -> None:
    """Background work ends when it is cancelled; anything else is a fault that must be seen."""
    if not task.cancelled() and task.exception() is not None:
        log.error("background work %r ended", task.get_name(), exc_info=task.exception())
