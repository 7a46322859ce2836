"""Follows what the gateways of a model agreed on: whom to answer from, whose space to fill."""

import asyncio
import logging
import os
import socket
import time
from typing import Final, NamedTuple

from cache.errors import CacheError
from cache.migration import Migration, MigrationBoard
from models.features.catalogue import CatalogueError
from models.manifest import BundleError
from server.background import Background
from server.mirror import Mirror
from server.open_lane import OpenLane
from server.open_lanes import OpenLanes
from server.serving_folder import ServingFolderInvalid

POLL_S: Final = 0.5
RETRY_S: Final = 30.0
FAILURES: Final = (BundleError, CatalogueError, ServingFolderInvalid)
log = logging.getLogger(__name__)


class _Filling(NamedTuple):
    folder: str
    mirror: Mirror
    background: Background


class Migrating:
    """Without Redis the last state holds. A lane that cannot be opened leaves the others as they
    are: the one that was to follow is given up for all gateways, with the reason."""

    def __init__(self, board: MigrationBoard, lanes: OpenLanes) -> None:
        self._board = board
        self._lanes = lanes
        self._filling: _Filling | None = None
        self._failed_s: dict[str, float] = {}
        self._is_failing = False

    async def begin(self) -> None:
        """Before the first request: what the others answer from by now."""
        try:
            await self._serve((await self._board.read()).serving)
        except CacheError as error:
            log.warning("answering from the bundle that was given: %s", error)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await asyncio.sleep(POLL_S)
                await self._step_leniently()
        finally:
            await self._stop_filling()

    async def step(self) -> None:
        """Raises CacheError."""
        held = await self._board.read()
        await self._serve(held.serving)
        if held.coming:
            await self._fill(held)
        else:
            await self._stop_filling()
        await self._lanes.keep({held.serving, held.coming, held.previous})

    async def _step_leniently(self) -> None:
        try:
            await self.step()
            self._is_failing = False
        except CacheError as error:
            if not self._is_failing:
                log.warning("answering as before: %s", error)
            self._is_failing = True

    async def _serve(self, folder: str) -> None:
        if folder == self._lanes.folder or self._has_failed(folder):
            return
        await self._stop_filling()
        try:
            await self._lanes.serve(folder)
        except FAILURES as error:
            self._note(folder, error)

    async def _fill(self, held: Migration) -> None:
        if self._filling is None or self._filling.folder != held.coming:
            await self._stop_filling()
            try:
                lane = await self._lanes.opened(held.coming)
            except FAILURES as error:
                self._note(held.coming, error)
                where = f"{socket.gethostname()}, process {os.getpid()}"
                await self._board.replace(held, held.given_up(f"{where}: {error}"))
                return
            self._filling = self._begun(held.coming, lane)
        window = await self._board.count(held, self._filling.mirror.take())
        if window is not None and held.is_filled(window):
            reason = (
                f"filled: coverage {window.coverage:.3f}, {window.gap:.3f} less than that of the "
                f"space before, of {window.seen:,} candidates"
            )
            if await self._board.replace(held, held.switched(reason)):
                log.info("%s follows: %s", held.coming, reason)
                await self._serve(held.coming)

    def _begun(self, folder: str, lane: OpenLane) -> _Filling:
        mirror, background = lane.mirror(), Background()
        background.keep("mirror", mirror.run())
        self._mirror_into(mirror)
        log.info("filling the space of %s", folder)
        return _Filling(folder, mirror, background)

    async def _stop_filling(self) -> None:
        filling, self._filling = self._filling, None
        if filling is not None:
            self._mirror_into(None)
            await filling.background.end()

    def _mirror_into(self, mirror: Mirror | None) -> None:
        if self._lanes.serving is not None:
            self._lanes.serving.lane.feedback.mirror = mirror

    def _note(self, folder: str, error: Exception) -> None:
        self._failed_s[folder] = time.monotonic()
        log.error("cannot answer from %s: %s", folder or "the bundle that was given", error)

    def _has_failed(self, folder: str) -> bool:
        failed_s = self._failed_s.get(folder)
        return failed_s is not None and time.monotonic() - failed_s < RETRY_S
