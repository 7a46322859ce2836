"""What a gateway process holds while it runs: built at start, torn down in reverse."""

import logging
from collections.abc import Callable

from cache.catalogue_writer import CatalogueWriter
from cache.events import EventFeed
from models.features.catalogue import CatalogueError
from models.manifest import BundleError
from server.access.door import Door
from server.access.keys_follower import KeysFollower
from server.background import Background
from server.cache_links import CacheLinks, cache_links
from server.cache_status import StatusReporter
from server.errors import NotReady, ServingError
from server.lane import Lane
from server.listening.drain import Drain
from server.metrics import Metrics
from server.migrating import Migrating
from server.open_lane import OpenLane, Source
from server.open_lanes import STARTED_WITH, OpenLanes
from server.settings import Settings

log = logging.getLogger(__name__)


class Gateway:
    """Not ready until its bundle is verified and warm; `reason` says what it waits for."""

    def __init__(self, settings: Settings, on_ready: Callable[[], None] = lambda: None) -> None:
        """Raises KeysInvalid."""
        self.settings = settings
        self._on_ready = on_ready
        self.metrics = Metrics(settings.teacher_age_objective_s)
        self.door = Door(settings.keys, self.metrics.registry)
        self.events: EventFeed | None = None
        self.reason = "starting"
        self.drain = Drain(settings.drain_s)
        self._is_ready = False
        self._lanes: OpenLanes | None = None
        self._links: CacheLinks | None = None
        self._background = Background()

    @property
    def lane(self) -> Lane:
        """Raises NotReady."""
        return self._serving.lane

    def check_open(self) -> None:
        """Raises NotReady while requests are still answered, but are to go elsewhere."""
        if self.drain.has_begun:
            raise NotReady("draining", remedy="send requests to another gateway", retry_after_s=1)

    @property
    def status(self) -> StatusReporter:
        """Raises NotReady."""
        return self._serving.status

    @property
    def catalogue(self) -> CatalogueWriter | None:
        """Raises NotReady."""
        return self._serving.writer

    async def start(self) -> None:
        """Returns at once: the process answers /healthz while the bundle is still loading."""
        self._links = cache_links(self.settings)
        self.events = self._links.events()
        self._background.keep("open", self._open(self._links))
        if self.settings.keys is not None:
            keys = KeysFollower(self.settings.keys, self.door)
            self._background.keep("keys", keys.run())

    async def stop(self) -> None:
        self._is_ready, self.reason = False, "stopping"
        await self._background.end()
        if self._lanes is not None:
            await self._lanes.close()
        if self._links is not None:
            await self._links.close()

    @property
    def _serving(self) -> OpenLane:
        lanes = self._lanes
        if not self._is_ready or lanes is None or lanes.serving is None:
            raise NotReady(
                self.reason,
                remedy="wait for /readyz, or start the gateway with a bundle that verifies",
                retry_after_s=1,
            )
        return lanes.serving

    async def _open(self, links: CacheLinks) -> None:
        try:
            await self._open_lanes(links)
        except (BundleError, CatalogueError, ServingError) as error:
            self.reason = str(error)
            log.error("not ready: %s", error)
        except Exception as error:
            self.reason = f"the bundle could not be opened: {error!r}"
            raise

    async def _open_lanes(self, links: CacheLinks) -> None:
        bundle = self.settings.bundle
        if bundle is None:
            raise NotReady("no bundle is given: set UNDERSTUDY_BUNDLE, or serve --bundle")
        self._lanes = lanes = OpenLanes(Source(bundle), links, self.metrics, self._say)
        await lanes.serve(STARTED_WITH)
        await self._migrate(lanes, links)
        self._on_ready()
        self._is_ready = True

    async def _migrate(self, lanes: OpenLanes, links: CacheLinks) -> None:
        first = await lanes.opened(STARTED_WITH)
        board = links.migration(first.lane.model.manifest)
        if board is not None:
            migrating = Migrating(board, lanes)
            await migrating.begin()
            self._background.keep("migrating", migrating.run())

    def _say(self, what: str) -> None:
        """What a process that is not ready waits for."""
        if not self._is_ready:
            self.reason = what
