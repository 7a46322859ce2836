"""Callers who each ask again as soon as they are answered: how much there is, not how long it
takes when more come than can be answered."""

import asyncio
import itertools
import time
from collections.abc import Sequence

from loadtest.open_loop import TIMEOUT_S, Exchange, Keep, Sender, ask


async def drive_closed(
    sender: Sender,
    requests: Sequence[bytes],
    callers: int,
    seconds: float,
    keep: Keep,
    timeout_s: float = TIMEOUT_S,
) -> float:
    """Seconds from the start to the last answer. A request is due when its caller is free."""
    numbers, started = itertools.count(), time.perf_counter()

    async def call() -> None:
        while (sent := time.perf_counter() - started) < seconds:
            number = next(numbers)
            answer = await ask(sender, requests[number % len(requests)], timeout_s)
            keep(Exchange(number, sent, sent, time.perf_counter() - started, answer))
            if answer is None:
                await asyncio.sleep(0)  # where nobody listens at all, others have their turn

    await asyncio.gather(*(call() for _ in range(callers)))
    return time.perf_counter() - started
