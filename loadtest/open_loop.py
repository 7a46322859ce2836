"""Requests sent when they are due, whether or not earlier ones were answered."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from loadtest.alarm import alarm
from loadtest.connection import Answer
from loadtest.errors import LoadTestError

TIMEOUT_S = 2.0


class Sender(Protocol):
    """`loadtest.pool.Pool`, or the like of it for another protocol."""

    async def send(self, request: bytes, timeout_s: float) -> Answer:
        """Raises LoadTestError, or TimeoutError once `timeout_s` has passed."""


class Exchange(NamedTuple):
    """One request and what came of it; times in seconds from the start."""

    number: int
    due_s: float
    sent_s: float  # handed to the sender: later than due by the generator's own lag
    ended_s: float
    answer: Answer | None  # None: nothing came in time

    @property
    def latency_ms(self) -> float:
        """From the intended time of sending."""
        return (self.ended_s - self.due_s) * 1000.0


Keep = Callable[[Exchange], None]


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


async def drive(
    sender: Sender, requests: Sequence[bytes], due_s: Sequence[float], keep: Keep
) -> float:
    """Seconds from the start to the last answer. `requests` are whole ones, taken in turn; `keep`
    is called as each ends."""
    loop = asyncio.get_running_loop()
    in_flight: set[asyncio.Task[None]] = set()
    started = time.perf_counter()

    async def one(number: int, due: float) -> None:
        sent = time.perf_counter() - started
        answer = await ask(sender, requests[number % len(requests)])
        keep(Exchange(number, due, sent, time.perf_counter() - started, answer))

    with alarm() as wake:
        for number, due in enumerate(due_s):
            if due > time.perf_counter() - started:
                await wake(started + due)
            task = loop.create_task(one(number, due))
            in_flight.add(task)
            task.add_done_callback(in_flight.discard)
    await asyncio.gather(*in_flight)
    return time.perf_counter() - started


async def ask(sender: Sender, request: bytes, timeout_s: float = TIMEOUT_S) -> Answer | None:
    """None where nothing came in time."""
    try:
        return await sender.send(request, timeout_s)
    except (LoadTestError, TimeoutError):
        return None


async def send_all(pool: Sender, bodies: Sequence[bytes], due_s: Sequence[float]) -> Outcome:
    """`bodies` are whole requests, taken in turn."""
    spent_ms: list[float] = []

    def keep(exchange: Exchange) -> None:
        if exchange.answer is not None and exchange.answer.status == 200:
            spent_ms.append(exchange.latency_ms)

    return _outcome(due_s, spent_ms, await drive(pool, bodies, due_s, keep))


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
