"""Waiting for what another process does."""

import asyncio
import time
from collections.abc import Awaitable, Callable

DEADLINE_S = 60.0
EVERY_S = 0.01


async def until(
    is_true: Callable[[], Awaitable[bool]], deadline_s: float = DEADLINE_S, every_s: float = EVERY_S
) -> None:
    deadline = time.monotonic() + deadline_s
    while not await is_true():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(every_s)
