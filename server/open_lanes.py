"""The lanes of one model that are open in this process."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Final

from models.manifest import Manifest, read_manifest
from server.admission import Room
from server.cache_links import CacheLinks
from server.metrics import Metrics
from server.open_lane import Beside, OpenLane, Source
from server.rollout.lanes.likeness import check_like, check_version
from server.rollout.lanes.memory import give_back
from server.rollout.lanes.sources import source_of

LEAVING_S: Final = 5.0
QUIET_S: Final = 0.05
QUIET_MOST_S: Final = 30.0
LOOK_S: Final = 0.005
log = logging.getLogger(__name__)


class OpenLanes:
    """By where their bundles are, as a rollout names it."""

    def __init__(
        self,
        first: Source,
        manifest: Manifest,
        links: CacheLinks,
        metrics: Metrics,
        say: Callable[[str], None],
        room: Room | None = None,
    ) -> None:
        """`first` is what the process was started with, and `manifest` its."""
        self.first = first
        self.manifest = manifest
        self.links = links
        self._metrics = metrics
        self._say = say
        self._room = room or Room(links.settings.max_inflight_candidates)
        self._lanes: dict[str, OpenLane] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()

    def held(self, where: str, version: str = "") -> OpenLane | None:
        """Of that version, where one is given."""
        held = self._lanes.get(where)
        is_it = held is not None and version in ("", held.lane.model.version)
        return held if is_it else None

    async def source(self, where: str) -> Source:
        """Raises BundleError."""
        return await asyncio.to_thread(source_of, where, self.first, self.links.settings)

    async def opened(self, where: str, version: str = "", beside: Beside | None = None) -> OpenLane:
        """One at a time. Raises BundleError, CatalogueError, ServingError."""
        async with self._opening:
            lane = self.held(where, version)
            if lane is None:
                await self.leave(where)
                lane = self._lanes[where] = await self._new(where, version, beside)
            return lane

    def keep(self, wheres: Collection[str]) -> None:
        """All others leave once they are out of hand: call it after the choice is without them."""
        for where in self._lanes.keys() - set(wheres):
            self._begin_leaving(where)

    async def leave(self, where: str) -> None:
        """What is held of there, of whatever version; the choice is without it."""
        if where in self._lanes:
            await asyncio.wait([self._begin_leaving(where)])

    async def close(self) -> None:
        """Requests in hand have a few seconds."""
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=LEAVING_S)
        lanes, self._lanes = [*self._lanes.values()], {}
        await asyncio.gather(*(lane.close() for lane in lanes))

    async def _new(self, where: str, version: str, beside: Beside | None) -> OpenLane:
        source = await self.source(where)
        if version:
            _, found = await asyncio.to_thread(read_manifest, source.bundle)
            check_version(found, version, where)
        lane = await OpenLane.open(source, self.links, self._metrics, self._say, beside, self._room)
        try:
            check_like(self.manifest, lane.manifest, where)
            check_version(lane.lane.model.version, version, where)
        except BaseException:
            await lane.close()
            raise
        return lane

    def _begin_leaving(self, where: str) -> asyncio.Task[None]:
        leaving = asyncio.create_task(self._leave(where, self._lanes.pop(where)))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        return leaving

    async def _leave(self, where: str, lane: OpenLane) -> None:
        try:
            await lane.retire()
        except Exception:
            log.exception("%s could not be closed", where)
        del lane
        await self._quiet()
        await asyncio.to_thread(give_back)

    async def _quiet(self) -> None:
        """Giving memory back, some ms for each 10 MB, holds up who asks for some: until nobody has
        been answered for a moment. Who is never idle waits for it once."""
        until_s = time.monotonic() + QUIET_MOST_S
        quiet_s = 0.0
        while quiet_s < QUIET_S and time.monotonic() < until_s:
            await asyncio.sleep(LOOK_S)
            is_busy = any(each.lane.in_hand.requests for each in self._lanes.values())
            quiet_s = 0.0 if is_busy else quiet_s + LOOK_S
