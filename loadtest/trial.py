"""One open-loop trial against whatever answers requests, once it is idle."""

import time
from collections.abc import Sequence
from typing import Final

from loadtest.open_loop import Outcome, Sender, poisson_arrivals, send_all

SETTLE_S: Final = 10.0
IDLE_MS: Final = 25.0


async def trial(sender: Sender, requests: Sequence[bytes], rate: float, seconds: float) -> Outcome:
    await settle(sender, requests[0])
    return await send_all(sender, requests, poisson_arrivals(rate, seconds, seed=int(rate)))


async def settle(sender: Sender, request: bytes) -> None:
    """What an overloading trial left behind is worked off before the next one begins."""
    until = time.perf_counter() + SETTLE_S
    while time.perf_counter() < until:
        started = time.perf_counter()
        await sender.send(request, SETTLE_S)
        if time.perf_counter() - started < IDLE_MS / 1000.0:
            return
