"""Moves the rollout of one model on. Every gateway runs one; the one that holds the lease decides.

Whatever it knows it has just read, but for the window of filling, which a successor begins again.
It writes once a step, so it may end anywhere.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cache.errors import CacheError
from cache.rollout_board import RolloutBoard
from server.rollout.decision import Decided, Evidence, decide
from server.rollout.filling import SpaceWindow
from server.rollout.history import Entry
from server.rollout.presence import alive, forgotten
from server.rollout.reading import Reading, read_board
from server.rollout.state import State

EVERY_S: Final = 1.0
"""Judging takes 5 ms of the processor from the answers of one gateway."""
LEASE_MS: Final = 3_000
log = logging.getLogger(__name__)


class Controller:
    def __init__(
        self,
        board: RolloutBoard,
        name: str,
        lease_ms: int = LEASE_MS,
        known: Callable[[], int] = lambda: 0,
    ) -> None:
        """`name` is of this process alone. `known` is the revision that it follows: an earlier one
        is what Redis has lost, and is written back before anything is decided."""
        self._board = board
        self._token = name.encode()
        self._lease_ms = lease_ms
        self._known = known
        self._window = SpaceWindow()
        self._is_failing = False

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self._step_leniently()
                await asyncio.sleep(EVERY_S)
        finally:
            with suppress(CacheError):
                await self._board.resign(self._token)

    async def step(self) -> State | None:
        """The state that it made. None where nothing was to change, or is for another to change.
        Raises StoreUnavailable, Corrupt."""
        if not await self._board.lead(self._token, self._lease_ms):
            return None
        reading = await read_board(self._board)
        await self._board.forget(forgotten(reading.fleet, reading.held.now_ms))
        if not reading.state.is_running or reading.held.revision < self._known():
            return None
        if reading.state.tally_before is not None:
            await self._board.keep_sums(reading.state.tally_before)
        # The statistics take longer than answers can wait for.
        decided = await asyncio.to_thread(decide, reading.state, self._evidence(reading))
        return None if decided is None else await self._replaced(reading, decided)

    async def _replaced(self, reading: Reading, decided: Decided) -> State | None:
        after = decided.state
        entry = Entry.of(reading.state, after, reading.held.now_ms, decided.figures)
        revision = reading.held.revision
        if not await self._board.replace(revision, after.encode(), entry.encode(), self._token):
            return None
        log.info("rollout of %s to %s: %s: %s", self._board.model, after.candidate, after.stage,
                 after.reason)  # fmt: skip
        return after

    def _evidence(self, reading: Reading) -> Evidence:
        held, state = reading.held, reading.state
        fleet = alive(reading.fleet, held.now_ms)
        window = self._window.told(state.tally, held.now_ms, fleet, state.plan.window_s)
        return Evidence(
            revision=held.revision,
            since_ms=held.since_ms,
            now_ms=held.now_ms,
            fleet=fleet,
            window=window,
            stable=reading.stable,
            canary=reading.canary,
        )

    async def _step_leniently(self) -> None:
        """Noted once. A fault of this code must not be the end of all watching either."""
        try:
            await self.step()
            self._is_failing = False
        except CacheError as error:
            if not self._is_failing:
                log.warning("the rollout of %s stays as it is: %s", self._board.model, error)
            self._is_failing = True
        except Exception:
            if not self._is_failing:
                log.exception("the rollout of %s could not be judged", self._board.model)
            self._is_failing = True
