"""One snapshot a second for all that watch, and none while nobody does."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Final

from server.console.snapshot import Snapshot, SnapshotSource
from server.errors import TooManyConnections

PERIOD_S: Final = 1.0
MAX_WATCHERS: Final = 32
log = logging.getLogger(__name__)


class Hub:
    """Who is slow to take one gets a later one: nothing is queued."""

    def __init__(self, source: SnapshotSource, period_s: float = PERIOD_S) -> None:
        self.source = source
        self._period_s = period_s
        self._watchers = 0
        self._wanted = asyncio.Event()
        self._turn = asyncio.Condition()
        self._number = 0
        self._latest: Snapshot | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            began_s = time.monotonic()
            await self._take()
            await asyncio.sleep(max(0.0, self._period_s - (time.monotonic() - began_s)))

    @contextmanager
    def seat(self) -> Iterator[None]:
        """For one who watches, from before the first snapshot. Raises TooManyConnections."""
        if self._watchers >= MAX_WATCHERS:
            raise TooManyConnections(
                f"{self._watchers} consoles are open on this process",
                remedy="close one, or ask GET /v1/rollouts",
                retry_after_s=5,
            )
        self._watchers += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._wanted.clear()

    async def snapshots(self) -> AsyncGenerator[Snapshot, None]:
        """For who has a seat. Without an end."""
        seen = self._number
        while True:
            snapshot, seen = await self._after(seen)
            yield snapshot

    async def _after(self, seen: int) -> tuple[Snapshot, int]:
        async with self._turn:
            await self._turn.wait_for(lambda: self._number != seen)
            assert self._latest is not None
            return self._latest, self._number

    async def _take(self) -> None:
        """One that fails is left out: the page says how old the last one is."""
        try:
            snapshot = await self.source.snapshot()
        except Exception:
            log.exception("no snapshot for the console")
            return
        async with self._turn:
            self._latest = snapshot
            self._number += 1
            self._turn.notify_all()
