"""One rollout's bundle on its way into this process: tried apart, then opened beside requests."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from models.features.catalogue import CatalogueError
from models.manifest import BundleError, read_manifest
from server.errors import ServingError
from server.open_lane import Beside, OpenLane, Source
from server.open_lanes import OpenLanes
from server.rollout.lanes.errors import NoRoom, TrialFailed
from server.rollout.lanes.fillings import differ
from server.rollout.lanes.likeness import check_version
from server.rollout.lanes.memory import Memory, memory
from server.rollout.lanes.trial_process import tried
from server.rollout.lanes.trial_wire import Verdict
from server.rollout.lanes.turn import turn
from server.rollout.plan import RolloutPlan
from server.rollout.presence import CandidateState, Presence
from server.rollout.state import State

FAILURES: Final = (BundleError, CatalogueError, ServingError)
MIB: Final = 1 << 20
IMPORTS: Final = 96 * MIB
"""That a trial takes before it loads anything."""
log = logging.getLogger(__name__)


class Attempt:
    """`state` and `detail` are what the others are told of it."""

    def __init__(self, state: State, lanes: OpenLanes, room: Callable[[], Memory] = memory) -> None:
        self.rollout = state.rollout
        self.where = state.candidate
        self._wanted = state.candidate_version
        self.state: CandidateState = "opening"
        self.detail = "waiting"
        self.version = ""
        self.fills = False
        self._plan = state.plan
        self._lanes = lanes
        self._memory = room

    def told(self, presence: Presence) -> Presence:
        """With what the others are to know of it."""
        return msgspec.structs.replace(
            presence,
            candidate_version=self.version,
            candidate_state=self.state,
            detail=self.detail,
            fills=self.fills,
        )

    async def run(self, answering: OpenLane) -> None:
        """Cancelled, it leaves nothing behind."""
        try:
            opened = self._held(answering) or await self._opened(answering)
        except FAILURES as error:
            self.fail(str(error))
        except Exception as error:
            log.exception("%s could not be opened", self.where)
            self.fail(repr(error))
        else:
            self.version, self.fills = opened.lane.model.version, differ(answering, opened)
            self.state, self.detail = "warm", ""
            log.info("%s is warm", self.where)

    def _held(self, answering: OpenLane) -> OpenLane | None:
        """Raises AnotherVersion."""
        if self._lanes.held(self.where) is answering:
            check_version(answering.lane.model.version, self._wanted, self.where)
        return self._lanes.held(self.where, self._wanted)

    async def _opened(self, answering: OpenLane) -> OpenLane:
        self.detail = "fetching"
        await self._lanes.leave(self.where)  # an earlier rollout's, of another version
        source = await self._lanes.source(self.where)
        self.version, size = await asyncio.to_thread(looked_at, source)
        check_version(self.version, self._wanted, self.where)
        beside = IMPORTS + await asyncio.to_thread(_size, answering.source)
        self.detail = "waiting for another process of this machine"
        async with turn():
            self.detail = "trying it in a process of its own"
            check_room(size + beside, self._memory(), self._plan, "its trial")
            verdict = await self._tried(source, answering)
            check(verdict, self._plan)
            check_room(verdict.bytes, self._memory(), self._plan)
            self.detail = "opening"
            work = Beside(answering.lane.admission.cost, verdict.work)
            return await self._lanes.opened(self.where, self.version, work)

    async def _tried(self, source: Source, answering: OpenLane) -> Verdict:
        """Raises TrialFailed."""
        settings, requests = self._lanes.links.settings, [*answering.lane.feedback.lately]
        room = self._memory().room(self._plan.memory_share)
        return await tried(source, answering.source, settings, requests, self._plan.verify_s, room)

    def fail(self, why: str) -> None:
        """Whoever decides rolls it back."""
        self.state, self.detail = "failed", why
        log.error("%s is given up: %s", self.where, why)


def check(verdict: Verdict, plan: RolloutPlan) -> None:
    """Raises TrialFailed."""
    if verdict.reason:
        raise TrialFailed(verdict.reason)
    if plan.is_judged and verdict.slowdown > plan.slowdown:
        raise TrialFailed(
            f"it is slow: {verdict.slowdown:.2f} times the inference of the stable bundle, and "
            f"the plan's slowdown is {plan.slowdown:g}: make it smaller, or allow more"
        )


def check_room(needed: int, held: Memory, plan: RolloutPlan, what: str = "it") -> None:
    """Raises NoRoom."""
    room = held.room(plan.memory_share)
    if needed > room:
        raise NoRoom(
            f"{what} takes {needed / MIB:,.0f} MiB and {max(room, 0) / MIB:,.0f} are left of "
            f"memory_share {plan.memory_share:g} of {held.limit / MIB:,.0f}: allow the gateway more"
        )


def looked_at(source: Source) -> tuple[str, int]:
    """Blocking: its version, and its size. Raises BundleError."""
    return read_manifest(source.bundle)[1], _size(source)


def _size(source: Source) -> int:
    """Blocking: of the files that are read into memory."""
    files = [*source.bundle.rglob("*"), *filter(None, [source.catalogue])]
    return sum(path.stat().st_size for path in files if path.is_file())
