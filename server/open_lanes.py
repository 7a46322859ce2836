"""The lanes of this process, and which of them answers."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from models.manifest import BundleError, Manifest
from server.cache_links import CacheLinks
from server.metrics import Metrics
from server.open_lane import OpenLane, Source
from server.serving_folder import open_serving_folder

STARTED_WITH: Final = ""
"""The folder's name for the bundle that the settings give."""


class NotItsLike(BundleError):
    """A student that cannot take over: of another model, or trained on another log."""


class OpenLanes:
    """By serving folder. One answers; others are to follow, or came before."""

    def __init__(
        self, first: Source, links: CacheLinks, metrics: Metrics, say: Callable[[str], None]
    ) -> None:
        self._first = first
        self._links = links
        self._metrics = metrics
        self._say = say
        self._lanes: dict[str, OpenLane] = {}
        self.folder = STARTED_WITH
        self.serving: OpenLane | None = None

    async def opened(self, folder: str) -> OpenLane:
        """Raises BundleError, CatalogueError, ServingFolderInvalid, NotItsLike."""
        if folder not in self._lanes:
            source = self._first if folder == STARTED_WITH else _source(folder)
            lane = await OpenLane.open(source, self._links, self._metrics, self._say)
            if self.serving is not None and (why := _unlike(self.serving, lane)):
                await lane.close()
                raise NotItsLike(f"{folder} cannot follow: {why}: export it from the same log")
            self._lanes[folder] = lane
        return self._lanes[folder]

    async def serve(self, folder: str) -> None:
        """From the next request on; those in work end as they began. Raises as `opened`."""
        lane = await self.opened(folder)
        lane.serve()
        self.folder, self.serving = folder, lane

    async def keep(self, folders: Collection[str]) -> None:
        """Closes all others but the one that answers."""
        for folder in self._lanes.keys() - {*folders, self.folder}:
            await self._lanes.pop(folder).close()

    async def close(self) -> None:
        lanes, self._lanes, self.serving = [*self._lanes.values()], {}, None
        await asyncio.gather(*(lane.close() for lane in lanes))


def _source(folder: str) -> Source:
    serving = open_serving_folder(Path(folder))
    return Source(serving.student, serving.catalogue)


def _unlike(one: OpenLane, other: OpenLane) -> str | None:
    """Records, events and catalogue rows must mean the same to both."""
    held, new = _manifest(one), _manifest(other)
    if new.name != held.name:
        return f"the model is {new.name}, and {held.name} is served"
    if new.features.log.fingerprint() != held.features.log.fingerprint():
        return "its log schema is another than that of the student that is served"
    return None


def _manifest(lane: OpenLane) -> Manifest:
    return lane.lane.model.manifest
