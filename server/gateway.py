"""What a gateway process holds while it runs: built at start, torn down in reverse."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Final

from cache.events import EventFeed
from models.features.catalogue import CatalogueError
from models.manifest import BundleError, Manifest, read_manifest
from server.access.door import Door
from server.access.keys_follower import KeysFollower
from server.admission import Room
from server.background import Background
from server.batch import hung
from server.cache_links import CacheLinks, cache_links
from server.errors import NotReady, ServingError, UnknownModel
from server.listening.drain import Drain
from server.metrics import Metrics
from server.open_lane import Source
from server.rollout.lanes.vertical import Vertical
from server.settings import Settings
from server.slow.slow_log import SlowLog
from server.tracing.opening import open_tracer

log = logging.getLogger(__name__)
LOOK_S: Final = 0.05
HUNG: Final = "restart this process, and see its log"


class Gateway:
    """Not ready until its bundles are verified and warm; `reason` says what it waits for."""

    def __init__(self, settings: Settings, on_ready: Callable[[], None] = lambda: None) -> None:
        """Raises KeysInvalid, TracingMissing."""
        self.settings = settings
        self._on_ready = on_ready
        self.metrics = Metrics(settings.teacher_age_objective_s)
        self.door = Door(settings.keys, self.metrics.registry)
        self.slow = SlowLog.of(settings)
        self.events: EventFeed | None = None
        self.reason = "starting"
        self.drain = Drain(settings.drain_s)
        self.name = f"{socket.gethostname()}-{os.getpid()}-{token_hex(4)}"
        """Of this process, for its life."""
        self.tracer = open_tracer(settings, self.metrics, self.name)
        self._default: Vertical | None = None
        """None while it is not ready."""
        self._verticals: dict[str, Vertical] = {}
        self._links: CacheLinks | None = None
        self._room = Room(settings.max_inflight_candidates)
        self._background = Background()

    @property
    def verticals(self) -> Mapping[str, Vertical]:
        """By name of the model; the first answers who names none. Raises NotReady."""
        self.check_ready()
        return self._verticals

    def vertical(self, model: str | None = None) -> Vertical:
        """Raises NotReady, UnknownModel."""
        vertical = self._default
        if vertical is None:
            raise self._not_ready()
        if model is None or model == vertical.name:
            return vertical
        named = self._verticals.get(model)
        if named is None:
            raise _unknown(model, self._verticals)
        return named

    def check_ready(self) -> None:
        """Raises NotReady."""
        if self._default is None:
            raise self._not_ready()

    def check_open(self) -> None:
        """Raises NotReady while requests are still answered, but are to go elsewhere."""
        if self.drain.has_begun:
            raise NotReady("draining", remedy="send requests to another gateway", retry_after_s=1)
        if hung_s := self.hung_s:
            raise hung(hung_s, HUNG)

    @property
    def hung_s(self) -> float:
        """How long a model that answers has not come back; 0 while all do. A candidate of a rollout
        is given up instead."""
        stable = [] if self._default is None else [each.lane for each in self._verticals.values()]
        return max((each.batcher.run_s for each in stable if each.batcher.is_hung), default=0.0)

    def check_alive(self) -> None:
        """Raises NotReady where only a new process mends it."""
        silent_s, hung_s = self.settings.worker_silent_s, self.hung_s
        if silent_s and hung_s >= silent_s:
            raise hung(hung_s, HUNG)

    async def start(self) -> None:
        """Returns at once: the process answers /healthz while the bundles are still loading."""
        self._links = cache_links(self.settings)
        self.events = self._links.events()
        self._background.keep("open", self._open(self._links))
        if self.tracer is not None:
            self.tracer.start()
        if self.settings.keys is not None:
            keys = KeysFollower(self.settings.keys, self.door)
            self._background.keep("keys", keys.run())
        if self.slow is not None:
            self._background.keep("slow", self.slow.run())

    async def until_ready(self) -> None:
        """Or until it is to end."""
        while self._default is None and not self.drain.has_begun:  # noqa: ASYNC110, set by signals
            await asyncio.sleep(LOOK_S)

    async def stop(self) -> None:
        self._default, self.reason = None, "stopping"
        await self._background.end()
        verticals, self._verticals = [*self._verticals.values()], {}
        ended = await asyncio.gather(
            *(vertical.close() for vertical in verticals), return_exceptions=True
        )
        for error in filter(None, ended):
            log.error("a model could not be closed", exc_info=error)
        if self._links is not None:
            await self._links.close()
        if self.tracer is not None:
            await asyncio.to_thread(self.tracer.close)

    def _not_ready(self) -> NotReady:
        return NotReady(
            self.reason,
            remedy="wait for /readyz, or start the gateway with a bundle that verifies",
            retry_after_s=1,
        )

    async def _open(self, links: CacheLinks) -> None:
        try:
            await self._open_verticals(links)
        except (BundleError, CatalogueError, ServingError) as error:
            self.reason = str(error)
            log.error("not ready: %s", error)
        except Exception as error:
            self.reason = f"the bundle could not be opened: {error!r}"
            raise

    async def _open_verticals(self, links: CacheLinks) -> None:
        if not self.settings.bundle:
            raise NotReady("no bundle is given: set UNDERSTUDY_BUNDLE, or serve --bundle")
        for bundle in self.settings.bundle:
            self._say(f"verifying {bundle.name}")
            manifest, _ = await asyncio.to_thread(read_manifest, bundle)
            self._check_new(manifest)
            self._verticals[manifest.name] = Vertical(
                Source(bundle), manifest, links, self.metrics, self.name, self._say, self._room
            )
        for vertical in self._verticals.values():
            await vertical.begin()
        first = next(iter(self._verticals.values()))
        self.metrics.watch(lambda: self._room.candidates, links.breaker)
        self.metrics.catalogue.watch(lambda: first.lane.catalogue)
        self._on_ready()
        self._default = first

    def _check_new(self, manifest: Manifest) -> None:
        """Raises NotReady."""
        if manifest.name in self._verticals:
            raise NotReady(
                f"two bundles are of the model {manifest.name}: give one of each model in "
                "UNDERSTUDY_BUNDLE, and let `understudy rollout` bring the other"
            )
        own = manifest.features.log.fingerprint()
        for other in self._verticals.values():
            if other.lanes.manifest.features.log.fingerprint() != own:
                raise NotReady(
                    f"{manifest.name} and {other.name} have different log schemas, and users and "
                    "items are kept by one: train both on one log, or serve them apart"
                )

    def _say(self, what: str) -> None:
        """What a process that is not ready waits for."""
        if self._default is None:
            self.reason = what


def _unknown(model: str, served: Mapping[str, Vertical]) -> UnknownModel:
    names = ", ".join(served)
    is_one = len(served) == 1
    return UnknownModel(
        f"the model served here is {names}" if is_one else f"the models served here are {names}",
        field="model",
        value=model,
        remedy="leave model out, or name "
        + ("the one that is served" if is_one else "one of them"),
    )
