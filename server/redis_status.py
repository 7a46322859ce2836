"""The part of the status that Redis knows: within the cache's budget, at most once a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from cache.errors import StoreUnavailable
from cache.fair_timeout import FairTimeout

T = TypeVar("T")

KEPT_S: Final = 1.0


class RedisStatus(Generic[T]):
    """However often it is asked for, one read is under way at a time, and none within KEPT_S of the
    last: the route needs no token."""

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._timeout_s = timeout_s
        self._clock = clock
        self._lock = asyncio.Lock()
        self._held: T | None = None
        self._until_s = -float("inf")

    async def now(self) -> T | None:
        """None when Redis gave nothing in time."""
        async with self._lock:
            if self._clock() >= self._until_s:
                self._held = await self._asked()
                self._until_s = self._clock() + KEPT_S
        return self._held

    async def _asked(self) -> T | None:
        try:
            async with FairTimeout(self._timeout_s):
                return await self._read()
        except (StoreUnavailable, TimeoutError):
            return None
