"""Ending background work that talks to Redis."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

AGAIN_S: Final = 0.2


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels until all are done; what they raise is left in them.

    Once is not enough: redis-py writes within asyncio.wait_for, which before Python 3.12 loses a
    cancellation that comes as the write completes (bpo-37658), and the loop around it goes on.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
