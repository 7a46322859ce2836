"""The lanes of one model that are open in this process."""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Final

from models.manifest import Manifest
from server.cache_links import CacheLinks
from server.metrics import Metrics
from server.open_lane import Beside, OpenLane, Source
from server.rollout.lanes.likeness import check_like
from server.rollout.lanes.memory import give_back
from server.rollout.lanes.sources import source_of

LEAVING_S: Final = 5.0
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
    ) -> None:
        """`first` is what the process was started with, and `manifest` its."""
        self.first = first
        self.manifest = manifest
        self.links = links
        self._metrics = metrics
        self._say = say
        self._lanes: dict[str, OpenLane] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def candidates(self) -> int:
        """In work, in all of them."""
        return sum(each.lane.admission.candidates for each in self._lanes.values())

    def held(self, where: str) -> OpenLane | None:
        return self._lanes.get(where)

    async def source(self, where: str) -> Source:
        """Raises BundleError."""
        return await asyncio.to_thread(source_of, where, self.first, self.links.settings)

    async def opened(self, where: str, beside: Beside | None = None) -> OpenLane:
        """One at a time. Raises BundleError, CatalogueError, ServingError."""
        if where not in self._lanes:
            source = await self.source(where)
            lane = await OpenLane.open(source, self.links, self._metrics, self._say, beside)
            try:
                check_like(self.manifest, lane.manifest, where)
            except BaseException:
                await lane.close()
                raise
            self._lanes[where] = lane
        return self._lanes[where]

    def keep(self, wheres: Collection[str]) -> None:
        """All others leave once they are out of hand: call it after the choice is without them."""
        for where in self._lanes.keys() - set(wheres):
            leaving = asyncio.create_task(self._leave(where, self._lanes.pop(where)))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Requests in hand have a few seconds."""
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=LEAVING_S)
        lanes, self._lanes = [*self._lanes.values()], {}
        await asyncio.gather(*(lane.close() for lane in lanes))

    async def _leave(self, where: str, lane: OpenLane) -> None:
        try:
            await lane.retire()
        except Exception:
            log.exception("%s could not be closed", where)
        del lane
        await asyncio.to_thread(give_back)
