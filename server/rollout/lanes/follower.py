"""Follows what the gateways of a model agree on: who answers whom, and what is on its way."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from typing import Final

from cache.errors import CacheError
from cache.rollout_board import Held, RolloutBoard
from server.background import Background
from server.metrics import Metrics
from server.open_lane import OpenLane
from server.open_lanes import OpenLanes
from server.rollout.lanes.agreed import Agreed
from server.rollout.lanes.attempt import Attempt
from server.rollout.lanes.errors import StateLost
from server.rollout.lanes.fillings import Filling, Fillings, differ
from server.rollout.lanes.routing import ALL, Routing
from server.rollout.lanes.serving import Serving
from server.rollout.lanes.watching import COUNTED, Watching
from server.rollout.lanes.way_back import WayBack, is_kept
from server.rollout.presence import Presence
from server.rollout.state import State

POLL_S: Final = 0.25
TELL_S: Final = 0.5
IDLE_TELL_S: Final = 2.0
ROLES: Final = {"shadowing": "shadow", "canary": "canary"}
log = logging.getLogger(__name__)


class Follower:
    """Without Redis the last state holds. A lane that cannot be opened leaves the others as they
    are; of a candidate the others are told why."""

    def __init__(
        self,
        board: RolloutBoard,
        lanes: OpenLanes,
        metrics: Metrics,
        gateway: str,
        publish: Callable[[Routing], None],
    ) -> None:
        """`gateway` is the name of this process among its like."""
        self._board = board
        self._lanes = lanes
        self._metrics = metrics.rollouts
        self._gateway = gateway
        self._publish = publish
        self._watching = Watching(lanes.links, gateway, metrics.rollouts.evidence)
        self._fillings = Fillings(metrics.feeds.mirrored)
        self._agreed = Agreed(board, gateway)
        self._serving = Serving(lanes)
        self._way_back = WayBack(lanes)
        self._attempting = Background()
        self._attempt: Attempt | None = None
        self._routed: object = None
        self._state: State | None = None
        self._told: object = None
        self._told_s = 0.0
        self._is_failing = False

    @property
    def state(self) -> State:
        """As it was last followed."""
        return self._agreed.state

    @property
    def revision(self) -> int:
        """Of that state."""
        return self._agreed.revision

    async def begin(self) -> None:
        """Before the first request: what the others answer from by now. Raises BundleError,
        CatalogueError, ServingError where what the process was started with cannot be opened."""
        try:
            await self._agreed.read()
        except CacheError as error:
            self._lose(error)
        await self._serving.begin(self.state)
        self._publish(Routing(self._serving.lane))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._step_leniently()
            await asyncio.sleep(POLL_S)

    async def step(self) -> None:
        """Raises CacheError, StateLost."""
        held, state = await self._agreed.read()
        await self._end_attempt(state)
        await self._serving.follow(state)
        self._attempt_candidate(state)
        self._give_up_hung(state)
        candidate = self._route(state)
        await self._fillings.only(self._filled(state, candidate, held.now_ms))
        self._lanes.keep(self._kept(state, held.now_ms))
        await self._way_back.follow(state, held.now_ms, self._serving)
        self._metrics.follow(
            self._board.model, self._state, state, 0.0 if candidate is None else state.share
        )
        self._state = state
        await self._tell(state, held, candidate)

    async def close(self) -> None:
        await self._attempting.end()
        await self._way_back.close()
        await self._serving.close()
        await self._watching.close()
        await self._fillings.close()

    async def _step_leniently(self) -> None:
        try:
            await self.step()
            self._is_failing = False
        except Exception as error:
            # Whatever it is, answers go on as they are, and the next look may be better.
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        self._metrics.lose(self._board.model)
        if not self._is_failing:
            trace = None if isinstance(error, (CacheError, StateLost)) else error
            log.warning("answering as before: %s", error, exc_info=trace)
        self._is_failing = True

    async def _end_attempt(self, state: State) -> None:
        """Of a rollout that is over."""
        wanted = state.rollout if state.is_running else ""
        if self._attempt is not None and self._attempt.rollout != wanted:
            await self._attempting.end()
            self._attempt = None

    def _attempt_candidate(self, state: State) -> None:
        if state.is_running and self._attempt is None and not self._serving.is_changing:
            self._attempt = Attempt(state, self._lanes)
            self._attempting.keep("candidate", self._attempt.run(self._serving.lane))

    def _route(self, state: State) -> OpenLane | None:
        """The candidate, where it is shadowed or answers. Names and choice change together."""
        stable, candidate = self._serving.lane, self._candidate(state)
        # A candidate is compared with the student that it is compared with elsewhere, or not here.
        counted = candidate if self._serving.is_agreed(state) else None
        routed = (stable, candidate, counted, state.tally, state.share)
        if routed != self._routed:
            stable.name("stable")
            if candidate is not None:
                candidate.name(ROLES[state.stage])
            watch = self._watching.follow(state, stable, counted)
            counting = (None, None) if watch is None else (watch.witness, watch.shadow)
            share = 0.0 if candidate is None else state.share
            self._publish(Routing(stable, candidate, round(share * ALL), state.rollout, *counting))
            self._routed = routed
        return candidate

    def _candidate(self, state: State) -> OpenLane | None:
        attempt = self._attempt
        if state.stage not in COUNTED or attempt is None or attempt.state != "warm":
            return None
        candidate = self._lanes.held(attempt.where, state.candidate_version)
        return None if candidate is self._serving.lane else candidate

    def _give_up_hung(self, state: State) -> None:
        attempt, candidate = self._attempt, self._candidate(state)
        if attempt is None or candidate is None:
            return
        if candidate.lane.batcher.is_hung or self._watching.is_hung:
            attempt.fail("its model does not come back")

    def _filled(self, state: State, candidate: OpenLane | None, now_ms: int) -> list[Filling]:
        stable = self._serving.lane
        pairs = []
        if candidate is not None:
            pairs.append(Filling(stable, candidate))
            if state.stage == "canary":
                pairs.append(Filling(candidate, stable))
        previous = self._way_back.held(state, now_ms)
        if previous is not None and previous is not stable:
            pairs.append(Filling(stable, previous))
        return [pair for pair in pairs if differ(*pair)]

    def _kept(self, state: State, now_ms: int) -> set[str]:
        kept = {self._serving.where, state.stable}
        if state.is_running:
            kept.add(state.candidate)
        if is_kept(state, now_ms):
            kept.add(state.previous)
        return kept

    async def _tell(self, state: State, held: Held, candidate: OpenLane | None) -> None:
        """Raises StoreUnavailable."""
        attempt, back = self._attempt, self._way_back.detail
        tried = attempt and (attempt.state, attempt.detail)
        news = (held.revision, tried, self._serving.where, back)
        every_s = TELL_S if state.is_running else IDLE_TELL_S
        now_s = time.monotonic()
        if news == self._told and now_s - self._told_s < every_s:
            return
        presence = self._presence(state, held, candidate)
        sums = self._watching.encoded(state.tally)
        await self._board.present(self._gateway, presence.encode(), sums, state.tally)
        self._told, self._told_s = news, now_s

    def _presence(self, state: State, held: Held, candidate: OpenLane | None) -> Presence:
        attempt = self._attempt
        presence = Presence(
            seen_ms=held.now_ms,
            revision=held.revision,
            stable_version=self._serving.lane.lane.model.version,
            candidate=state.candidate,
            detail=self._way_back.detail,
            host=socket.gethostname(),
            pid=os.getpid(),
            **self._fillings.standing(candidate)._asdict(),
        )
        return presence if attempt is None else attempt.told(presence)
