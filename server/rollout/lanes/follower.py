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
from server.open_lane import Beside, OpenLane
from server.open_lanes import OpenLanes
from server.rollout.lanes.attempt import FAILURES, Attempt
from server.rollout.lanes.fillings import Filling, Fillings, differ
from server.rollout.lanes.routing import ALL, Routing
from server.rollout.lanes.watching import COUNTED, Watching
from server.rollout.presence import Presence
from server.rollout.state import STARTED_WITH, State

POLL_S: Final = 0.25
TELL_S: Final = 0.5
IDLE_TELL_S: Final = 2.0
RETRY_S: Final = 30.0
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
        self._watching = Watching(lanes.links, gateway)
        self._fillings = Fillings(metrics.feeds.mirrored)
        self._opening = Background()
        self._attempt: Attempt | None = None
        self._coming: str | None = None
        """What is to answer next and is being opened."""
        self._failed_s: dict[str, float] = {}
        self._serving = STARTED_WITH
        self._routed: object = None
        self._state: State | None = None
        self._told: object = None
        self._told_s = 0.0
        self._is_failing = False

    @property
    def state(self) -> State:
        """As it was last read."""
        return self._state or State()

    async def begin(self) -> None:
        """Before the first request: what the others answer from by now. Raises BundleError,
        CatalogueError, ServingError where what the process was started with cannot be opened."""
        where = await self._agreed()
        if where != STARTED_WITH:
            try:
                await self._lanes.opened(where)
                self._serving = where
            except FAILURES as error:
                self._note(where, error)
        await self._lanes.opened(self._serving)
        self._publish(Routing(self._stable))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._step_leniently()
            await asyncio.sleep(POLL_S)

    async def step(self) -> None:
        """Raises CacheError."""
        held = await self._board.read()
        state = State.decode(held.body)
        self._open_stable(state.stable)
        await self._attempt_candidate(state)
        candidate = self._route(state)
        await self._fillings.only(self._filled(state, candidate, held.now_ms))
        self._lanes.keep(self._kept(state, held.now_ms))
        await self._watching.tidy()
        self._metrics.follow(
            self._board.model, self._state, state, 0.0 if candidate is None else state.share
        )
        self._state = state
        await self._tell(state, held, candidate)

    async def close(self) -> None:
        await self._opening.end()
        await self._watching.close()
        await self._fillings.close()

    @property
    def _stable(self) -> OpenLane:
        stable = self._lanes.held(self._serving)
        assert stable is not None
        return stable

    async def _agreed(self) -> str:
        try:
            return State.decode((await self._board.read()).body).stable
        except CacheError as error:
            self._lose(error)
            return STARTED_WITH

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
            trace = None if isinstance(error, CacheError) else error
            log.warning("answering as before: %s", error, exc_info=trace)
        self._is_failing = True

    def _open_stable(self, where: str) -> None:
        if self._lanes.held(where) is not None:
            self._serving = where
        elif self._coming != where and not self._has_failed(where):
            self._coming = where
            self._opening.keep("stable", self._opened(where))

    async def _opened(self, where: str) -> None:
        try:
            await self._lanes.opened(where, Beside(self._stable.lane.admission.cost, 1.0))
        except FAILURES as error:
            self._note(where, error)
        finally:
            self._coming = None

    async def _attempt_candidate(self, state: State) -> None:
        wanted = state.rollout if state.is_running else ""
        if self._attempt is not None and self._attempt.rollout != wanted:
            await self._opening.end()
            self._attempt = None
        if wanted and self._attempt is None and self._coming is None:
            self._attempt = Attempt(state, self._lanes)
            self._opening.keep("candidate", self._attempt.run(self._stable))

    def _route(self, state: State) -> OpenLane | None:
        """The candidate, where it is shadowed or answers. Names and choice change together."""
        stable, candidate = self._stable, self._candidate(state)
        routed = (stable, candidate, state.tally, state.share)
        if routed != self._routed:
            stable.name("stable")
            if candidate is not None:
                candidate.name(ROLES[state.stage])
            watch = self._watching.follow(state, stable, candidate)
            counting = (None, None) if watch is None else (watch.witness, watch.shadow)
            share = 0.0 if candidate is None else state.share
            self._publish(Routing(stable, candidate, round(share * ALL), state.rollout, *counting))
            self._routed = routed
        return candidate

    def _candidate(self, state: State) -> OpenLane | None:
        attempt = self._attempt
        if state.stage not in COUNTED or attempt is None or attempt.state != "warm":
            return None
        candidate = self._lanes.held(attempt.where)
        return None if candidate is self._stable else candidate

    def _filled(self, state: State, candidate: OpenLane | None, now_ms: int) -> list[Filling]:
        stable = self._stable
        pairs = []
        if candidate is not None:
            pairs.append(Filling(stable, candidate))
            if state.stage == "canary":
                pairs.append(Filling(candidate, stable))
        previous = self._lanes.held(state.previous)
        if _is_kept(state, now_ms) and previous is not None and previous is not stable:
            pairs.append(Filling(stable, previous))
        return [pair for pair in pairs if differ(*pair)]

    def _kept(self, state: State, now_ms: int) -> set[str]:
        kept = {self._serving, state.stable}
        if state.is_running:
            kept.add(state.candidate)
        if _is_kept(state, now_ms):
            kept.add(state.previous)
        return kept

    async def _tell(self, state: State, held: Held, candidate: OpenLane | None) -> None:
        """Raises StoreUnavailable."""
        attempt = self._attempt
        news = (held.revision, attempt and (attempt.state, attempt.detail), self._serving)
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
            stable_version=self._stable.lane.model.version,
            candidate=state.candidate,
            host=socket.gethostname(),
            pid=os.getpid(),
            **self._fillings.standing(candidate)._asdict(),
        )
        return presence if attempt is None else attempt.told(presence)

    def _note(self, where: str, error: Exception) -> None:
        self._failed_s[where] = time.monotonic()
        log.error("cannot answer from %s: %s", where or "the bundle that was given", error)

    def _has_failed(self, where: str) -> bool:
        failed_s = self._failed_s.get(where)
        return failed_s is not None and time.monotonic() - failed_s < RETRY_S


def _is_kept(state: State, now_ms: int) -> bool:
    return state.stage == "done" and now_ms < state.keep_until_ms
