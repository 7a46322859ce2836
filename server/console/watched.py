"""The snapshot of a real gateway: its own pages of /metrics, and what the boards say."""

import time
from collections.abc import Awaitable, Callable

from server.console.live import live_of
from server.console.readings import Readings
from server.console.snapshot import Snapshot, Trail
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
        self._readings.add(await self._page(), self._clock())
        now_ms = time.time_ns() // 1_000_000
        return Snapshot(now_ms, self._status(), live_of(self._readings), await self._status_of())

    def trails(self) -> list[Trail]:
        return self._rollouts.trails()

    async def _status_of(self) -> list[RolloutStatus]:
        try:
            return await self._rollouts.status()
        except NotReady:
            return []
