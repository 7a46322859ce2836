"""What this process has loaded, and what the registry could give it."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from typing import Final

import psutil

from models.registry.entry import Entry
from models.registry.errors import RegistryError
from models.registry.registry import Registered, Registry
from server.console.lookups import Lookups
from server.errors import RegistryAway
from server.lane import Lane
from server.rollout.lanes.vertical import Vertical
from server.rollout_wire import BundleEntry, Bundles, LaneStatus, Models, ModelStatus

KEPT_S: Final = 15.0
"""A listing reads a file for each bundle: consoles that are open share one, also that it failed."""
MOST: Final = 500


class Loaded:
    """`verticals` by model, the default first; it raises NotReady before they are open."""

    def __init__(
        self,
        verticals: Callable[[], Mapping[str, Vertical]],
        registry: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verticals = verticals
        self._registry = registry
        self._clock = clock
        self._lookups = Lookups("registry")
        self._read: asyncio.Task[Bundles] | None = None
        self._until_s = 0.0

    async def models(self) -> Models:
        verticals = self._verticals()
        default = next(iter(verticals), None)
        return Models(
            [
                ModelStatus(name, name == default, [_lane(lane) for lane in vertical.answering])
                for name, vertical in verticals.items()
            ],
            psutil.Process(os.getpid()).memory_info().rss,
        )

    async def bundles(self) -> Bundles:
        if self._registry is None:
            return Bundles(None, [])
        # Who leaves does not take it from the others.
        return await asyncio.shield(self._listing(self._registry))

    def _listing(self, url: str) -> asyncio.Task[Bundles]:
        """The one that is being read; or that was read lately, if only to a failure."""
        if self._read is None or (self._read.done() and self._clock() >= self._until_s):
            self._read = asyncio.create_task(self._listed(url))
        return self._read

    async def _listed(self, url: str) -> Bundles:
        """Raises RegistryAway."""
        try:
            registered = await self._lookups.run(lambda: Registry.open(url).bundles())
        except (RegistryError, TimeoutError) as error:
            raise RegistryAway(
                f"the registry cannot be read: {error}",
                remedy="see whether the store of UNDERSTUDY_REGISTRY is up; nothing else needs it",
                retry_after_s=int(KEPT_S),
            ) from error
        finally:
            self._until_s = self._clock() + KEPT_S
        return Bundles(url, [_entry(each) for each in registered[:MOST]])


def _lane(lane: Lane) -> LaneStatus:
    manifest = lane.model.manifest
    return LaneStatus(
        lane=lane.name,
        version=lane.model.version,
        folder=str(lane.folder),
        space=manifest.reads_space,
        provider=lane.model.provider,
        bundle_bytes=sum(entry.size_bytes for entry in manifest.files.values()),
    )


def _entry(registered: Registered) -> BundleEntry:
    name, version = registered.reference
    entry: Entry | None = registered.entry
    if entry is None:
        return BundleEntry(name, version, "", None, 0, 0, "", "its entry is damaged", False)
    return BundleEntry(
        name=name,
        version=version,
        role=entry.role,
        space=entry.reads_space or entry.produces_space,
        size_bytes=entry.size_bytes,
        pushed_at_ms=entry.pushed_at_ms,
        pushed_by=entry.pushed_by,
        message=entry.message,
        is_signed=entry.signed_by is not None,
    )
