"""One server at one size: how much it answers, how much in time, and what that costs."""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from loadtest.bench.sizes import P99_LIMIT_MS, Raw
from loadtest.closed_loop import drive_closed
from loadtest.open_loop import Exchange, Outcome, poisson_arrivals, send_all
from loadtest.peers.errors import PeerFailed
from loadtest.peers.target import Target
from loadtest.search import Found, highest_rate, holds
from loadtest.trial import settle, trial

CALLERS: Final = (8, 32)
"""Few, for who sheds when many ask at once; many, for who is quicker when requests share a run."""
CAPACITY_S: Final = 1.0
ALONE: Final = 21
HEADROOM: Final = 1.2
MORE: Final = 1.5
PATIENCE_S: Final = 10.0


class Light(NamedTuple):
    """At half of the rate that it held, or a quarter of its capacity where it held none."""

    outcome: Outcome
    cpu_ms: float  # of the server, a request
    load_share: float  # of its core that the load generator used


class Measured(NamedTuple):
    raw: Raw
    request_bytes: int
    capacity: float  # requests/s of a closed loop
    found: Found
    light: Light
    coverage: float | None = None  # by pair entries, of Understudy alone

    @property
    def share(self) -> float:
        best = self.found.best
        return best.achieved_rate / self.raw.per_second if best else 0.0


def measure(target: Target, raw: Raw, trial_s: float, is_searched: bool = True) -> Measured:
    """Raises PeerFailed when nothing is answered."""
    capacity = max(asyncio.run(closed_loop(target, callers, CAPACITY_S)) for callers in CALLERS)
    if not capacity:
        raise PeerFailed(f"no answer with 200 to {CALLERS[0]} callers in {CAPACITY_S:.0f} s")
    found = search(target, capacity, trial_s) if is_searched else Found(None, [])
    rate = found.best.intended_rate / 2 if found.best else capacity / 4
    light = asyncio.run(light_load(target, rate, trial_s))
    return Measured(raw, len(target.requests[0]), capacity, found, light)


def search(target: Target, capacity: float, trial_s: float) -> Found:
    """No trial at all where a request alone is late already."""

    async def attempt(rate: float) -> Outcome:
        async with target.sender() as sender:
            return await trial(sender, target.requests, rate, trial_s)

    if asyncio.run(alone_ms(target)) > P99_LIMIT_MS:
        return Found(None, [])
    return between(lambda rate: asyncio.run(attempt(rate)), capacity * HEADROOM)


def between(attempt: Callable[[float], Outcome], ceiling: float) -> Found:
    """A ceiling that holds was none: the search begins below one that does not."""
    above = [attempt(ceiling)]
    while holds(above[-1], P99_LIMIT_MS):
        ceiling *= MORE
        above.append(attempt(ceiling))
    found = highest_rate(attempt, 0.0, ceiling, P99_LIMIT_MS)
    return found._replace(trials=above + found.trials)


async def closed_loop(target: Target, callers: int, seconds: float) -> float:
    """Requests a second that are answered to callers who each ask again at once."""
    statuses: list[int] = []

    def keep(exchange: Exchange) -> None:
        statuses.append(exchange.answer.status if exchange.answer else 0)

    async with target.sender() as sender:
        elapsed_s = await drive_closed(
            sender, target.requests, callers, seconds, keep, timeout_s=PATIENCE_S
        )
    return statuses.count(200) / elapsed_s


async def alone_ms(target: Target) -> float:
    """The middle of ALONE requests, one after another."""
    spent_ms = []
    async with target.sender() as sender:
        for _ in range(ALONE):
            started = time.perf_counter()
            await sender.send(target.requests[0], PATIENCE_S)
            spent_ms.append((time.perf_counter() - started) * 1000.0)
    return statistics.median(spent_ms)


async def light_load(target: Target, rate: float, seconds: float) -> Light:
    """Raises PeerFailed when nothing is answered."""
    async with target.sender() as sender:
        await settle(sender, target.requests[0])
        server_s, own_s, started = target.cpu_s(), time.process_time(), time.perf_counter()
        due_s = poisson_arrivals(rate, seconds, seed=int(rate))
        outcome = await send_all(sender, target.requests, due_s)
        own_s, elapsed_s = time.process_time() - own_s, time.perf_counter() - started
        used_s = target.cpu_s() - server_s
    answered = outcome.requests - outcome.failed
    if not answered:
        raise PeerFailed(f"no answer within its time at {rate:.1f} requests/s")
    return Light(outcome, used_s * 1000.0 / answered, own_s / elapsed_s)
