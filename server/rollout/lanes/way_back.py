"""The student before the promotion, in a process that was started since."""

import asyncio
import logging
import time
from collections.abc import Callable

from server.background import Background
from server.open_lane import Beside, OpenLane
from server.open_lanes import OpenLanes
from server.rollout.lanes.attempt import FAILURES, check_room, looked_at
from server.rollout.lanes.likeness import check_version
from server.rollout.lanes.memory import Memory, memory
from server.rollout.lanes.serving import RETRY_S, Serving
from server.rollout.lanes.turn import turn
from server.rollout.lanes.wanted import Pause, Wanted, named, wanted_of
from server.rollout.plan import RolloutPlan
from server.rollout.state import State

log = logging.getLogger(__name__)


class WayBack:
    """Opened beside requests, so that an abort is followed at once. Whatever else is to be opened
    goes before it."""

    def __init__(
        self,
        lanes: OpenLanes,
        room: Callable[[], Memory] = memory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lanes = lanes
        self._memory = room
        self._opening = Background()
        self._under_way: Wanted | None = None
        self._pause = Pause(clock)
        self.detail = ""
        """Why it is not open, for the others."""

    def held(self, state: State, now_ms: int) -> OpenLane | None:
        return self._lanes.held(*_wanted(state)) if is_kept(state, now_ms) else None

    async def follow(self, state: State, now_ms: int, serving: Serving) -> None:
        wanted = _wanted(state) if is_kept(state, now_ms) else None
        if not self._goes_on(wanted, state, serving):
            await self._opening.end()
        if wanted is None or self._lanes.held(*wanted) is not None:
            self.detail = ""
        elif self._may_open(wanted, serving):
            self._under_way = wanted
            self._opening.keep("way back", self._try(wanted, state.plan, serving))

    async def close(self) -> None:
        await self._opening.end()

    def _goes_on(self, wanted: Wanted | None, state: State, serving: Serving) -> bool:
        """After an abort, what is on its way is what is to answer."""
        is_stable = self._under_way == wanted_of(state.stable, state.stable_version)
        return is_stable or (self._under_way == wanted and not serving.is_changing)

    def _may_open(self, wanted: Wanted, serving: Serving) -> bool:
        """One that answers is not closed for another version of the same folder."""
        is_free = self._opening.is_idle and not serving.is_changing
        return is_free and wanted[0] != serving.where and not self._pause.lasts(wanted, RETRY_S)

    async def _try(self, wanted: Wanted, plan: RolloutPlan, serving: Serving) -> None:
        try:
            await self._open(wanted, plan, serving)
        except Exception as error:
            self._note(wanted, error)

    async def _open(self, wanted: Wanted, plan: RolloutPlan, serving: Serving) -> None:
        """Without a trial: it has answered before. Raises what FAILURES are."""
        where, version = wanted
        source = await self._lanes.source(where)
        found, size = await asyncio.to_thread(looked_at, source)
        check_version(found, version, where)
        async with turn():
            check_room(size, self._memory(), plan)
            beside = Beside(serving.lane.lane.admission.cost, 1.0)
            await self._lanes.opened(where, version, beside)
        log.info("%s is open, for who goes back", named(where))

    def _note(self, wanted: Wanted, error: Exception) -> None:
        self._pause.begin(wanted)
        detail = f"no way back to {named(wanted[0])}: {error}"
        if detail != self.detail:
            log.error("%s", detail, exc_info=None if isinstance(error, FAILURES) else error)
        self.detail = detail


def is_kept(state: State, now_ms: int) -> bool:
    """Whether the student before is."""
    return state.stage == "done" and now_ms < state.keep_until_ms


def _wanted(state: State) -> Wanted:
    return wanted_of(state.previous, state.previous_version)
