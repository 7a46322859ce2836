"""Requests sent when they are due, whether or not earlier ones were answered."""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from loadtest.connection import Answer
from loadtest.errors import LoadTestError

TIMEOUT_S = 2.0


class Sender(Protocol):
    """`loadtest.pool.Pool`, or the like of it for another protocol."""

    async def send(self, request: bytes, timeout_s: float) -> Answer:
        """Raises LoadTestError, or TimeoutError once `timeout_s` has passed."""


class Outcome(NamedTuple):
    """Of one trial. Latencies count from the intended time of sending, so that a gateway which
    makes the generator wait is charged for it."""

    intended_rate: float
    achieved_rate: float  # answered with 200 a second
    p50_ms: float
    p99_ms: float
    requests: int
    failed: int


def poisson_arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Seconds from the start, ascending, `rate · seconds` of them."""
    gaps = np.random.default_rng(seed).exponential(1.0 / rate, max(int(rate * seconds), 1))
    times: list[float] = np.cumsum(gaps).tolist()
    return times


async def send_all(pool: Sender, bodies: Sequence[bytes], due_s: Sequence[float]) -> Outcome:
    """`bodies` are whole requests, taken in turn."""
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    spent_ms: list[float] = []

    async def one(request: bytes, due: float) -> None:
        try:
            answer = await pool.send(request, TIMEOUT_S)
        except (LoadTestError, TimeoutError):
            return
        if answer.status == 200:
            spent_ms.append((time.perf_counter() - started - due) * 1000.0)

    tasks = []
    for number, due in enumerate(due_s):
        wait_s = due - (time.perf_counter() - started)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        tasks.append(loop.create_task(one(bodies[number % len(bodies)], due)))
    await asyncio.gather(*tasks)
    return _outcome(due_s, spent_ms, time.perf_counter() - started)


def _outcome(due_s: Sequence[float], spent_ms: Sequence[float], elapsed_s: float) -> Outcome:
    p50, p99 = np.percentile(spent_ms, [50, 99]).tolist() if spent_ms else (np.inf, np.inf)
    return Outcome(
        intended_rate=len(due_s) / due_s[-1],
        achieved_rate=len(spent_ms) / elapsed_s,
        p50_ms=p50,
        p99_ms=p99,
        requests=len(due_s),
        failed=len(due_s) - len(spent_ms),
    )
