"""The bundle that answers all but a candidate's users, and the next one on its way."""

import logging
import time
from typing import Final

from server.background import Background
from server.open_lane import Beside, OpenLane
from server.open_lanes import OpenLanes
from server.rollout.lanes.attempt import FAILURES
from server.rollout.lanes.wanted import Pause, Wanted, named, wanted_of
from server.rollout.state import STARTED_WITH, State

RETRY_S: Final = 30.0
log = logging.getLogger(__name__)


class Serving:
    """What cannot be opened, or is another version than was agreed on, leaves the one before."""

    def __init__(self, lanes: OpenLanes) -> None:
        self._lanes = lanes
        self._opening = Background()
        self._wanted = (STARTED_WITH, "")
        self._pause = Pause(time.monotonic)
        self.where = STARTED_WITH

    @property
    def lane(self) -> OpenLane:
        lane = self._lanes.held(self.where)
        assert lane is not None
        return lane

    @property
    def is_changing(self) -> bool:
        """Whether another is being opened."""
        return not self._opening.is_idle

    def is_agreed(self, state: State) -> bool:
        """Whether it is what a candidate is compared with elsewhere."""
        agreed = self._lanes.held(state.stable, state.stable_version)
        return self.where == state.stable and agreed is not None

    async def begin(self, state: State) -> None:
        """Before the first request. Raises BundleError, CatalogueError, ServingError where what
        the process was started with cannot be opened."""
        where, version = wanted_of(state.stable, state.stable_version)
        if where != STARTED_WITH:
            try:
                await self._lanes.opened(where, version)
                self.where = where
            except FAILURES as error:
                self._note((where, version), error)
        await self._lanes.opened(self.where)

    async def follow(self, state: State) -> None:
        wanted = wanted_of(state.stable, state.stable_version)
        if wanted != self._wanted:
            await self._opening.end()
            self._wanted = wanted
        if self._lanes.held(*wanted) is not None:
            self.where = state.stable
        elif self._may_open(wanted):
            self._opening.keep("stable", self._open(*wanted))

    async def close(self) -> None:
        await self._opening.end()

    def _may_open(self, wanted: Wanted) -> bool:
        """One that answers is not closed for another version of the same folder."""
        is_free = self._opening.is_idle and wanted[0] != self.where
        return is_free and not self._pause.lasts(wanted, RETRY_S)

    async def _open(self, where: str, version: str) -> None:
        try:
            await self._lanes.opened(where, version, Beside(self.lane.lane.admission.cost, 1.0))
        except FAILURES as error:
            self._note((where, version), error)

    def _note(self, wanted: Wanted, error: Exception) -> None:
        self._pause.begin(wanted)
        log.error("cannot answer from %s: %s", named(wanted[0]), error)
