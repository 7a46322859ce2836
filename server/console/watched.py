"""The snapshot of a real gateway: its own pages of /metrics, and what the boards say."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from server.console.live import live_of
from server.console.readings import Readings
from server.console.snapshot import Live, Snapshot, Trail
from server.console.source import RolloutSource
from server.errors import NotReady
from server.rollout_wire import RolloutStatus


class Watched:
    """`page` gives the metrics of all workers; `status` says `ready`, or what is waited for."""

    def __init__(
        self,
        page: Callable[[], Awaitable[bytes]],
        rollouts: RolloutSource,
        status: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._page = page
        self._rollouts = rollouts
        self._status = status
        self._clock = clock
        self._readings = Readings()

    async def snapshot(self) -> Snapshot:
        page, at_s = await self._page(), self._clock()
        now_ms = time.time_ns() // 1_000_000
        # It takes milliseconds, which requests need not wait for.
        live = await asyncio.to_thread(self._live, page, at_s)
        return Snapshot(now_ms, self._status(), live, await self._status_of())

    def trails(self) -> list[Trail]:
        return self._rollouts.trails()

    def _live(self, page: bytes, at_s: float) -> Live:
        self._readings.add(page, at_s)
        return live_of(self._readings)

    async def _status_of(self) -> list[RolloutStatus]:
        try:
            return await self._rollouts.status()
        except NotReady:
            return []
