"""One load on one gateway, from a first request to the last sample."""

import asyncio
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from loadtest.closed_loop import drive_closed
from loadtest.errors import LoadInvalid
from loadtest.open_loop import TIMEOUT_S, Exchange, Sender, drive
from loadtest.pool import Pool
from loadtest.run.answers import Sample, sample_of
from loadtest.run.arrivals import F64, arrivals
from loadtest.run.faults import NOWHERE, Mark, Staging, act, check, first_answers
from loadtest.run.figures import Cost, describe
from loadtest.run.samples import Recorder, Samples
from loadtest.run.scenario import Scenario
from loadtest.soak.memory import Memory
from loadtest.soak.slopes import judged

CONNECTIONS: Final = 256
REFUSALS: Final = (400, 401, 403, 404, 413, 415, 422)
WARM_SEED: Final = 1

Watch = Callable[[Sample], None]


class Load(NamedTuple):
    scenario: Scenario
    requests: Sequence[bytes]
    rate: float
    seconds: float
    due_s: F64 | None  # None: a closed loop
    callers: int = 0
    connections: int = CONNECTIONS


class Ran(NamedTuple):
    samples: Samples
    elapsed_s: float
    cost: Cost
    marks: list[Mark]
    slopes: dict[str, Any] | None = None  # where the scenario asks for them

    def figures(self) -> dict[str, Any]:
        told = describe(self.samples, self.elapsed_s, self.cost)
        marks = [mark._asdict() for mark in self.marks]
        return {**told, "marks": marks, "slopes": self.slopes}


def unwatched(sample: Sample) -> None:
    pass


async def execute(
    load: Load, url: str, staging: Staging = NOWHERE, watch: Watch = unwatched
) -> Ran:
    """Raises LoadTestError before the load begins, and never for an answer in it."""
    check(load.scenario, staging)
    async with Pool(url, load.connections) as pool:
        await knock(pool, load.requests[0])
        await _warm_up(pool, load)
        return await _measure(pool, load, staging, watch)


async def knock(sender: Sender, request: bytes) -> None:
    """Raises LoadTestError where nobody listens, LoadInvalid where the request itself is refused:
    two minutes of it would say the same."""
    try:
        answer = await sender.send(request, TIMEOUT_S)
    except TimeoutError:
        return  # slow is something to measure
    if answer.status in REFUSALS:
        raise LoadInvalid(
            f"the first request was answered with {answer.status}: "
            f"{answer.body[:300].decode(errors='replace')}"
        )


async def _warm_up(pool: Pool, load: Load) -> None:
    """At the profile's first rate, uncounted; from the last request back, or the first ones that
    count would find their own answers in the cache."""
    warm_s, steady = load.scenario.warm_up_s, [(0.0, 1.0), (1.0, 1.0)]
    requests = load.requests[::-1]
    rate = load.rate * load.scenario.profile[0][1]
    if load.callers:
        await drive_closed(pool, requests, load.callers, warm_s, _forget)
    elif rate * warm_s >= 1:
        due_s = arrivals(steady, rate, warm_s, WARM_SEED).tolist()
        await drive(pool, requests, due_s, _forget)


async def _measure(pool: Pool, load: Load, staging: Staging, watch: Watch) -> Ran:
    recorder, memory = Recorder(), Memory(_watched(load.scenario, staging))

    def keep(exchange: Exchange) -> None:
        sample = sample_of(exchange)
        recorder.add(sample)
        watch(sample)

    gc.collect()
    gc.freeze()  # or the collector walks every request kept ready, in the middle of the load
    cpu_s = time.process_time()
    try:
        acting = asyncio.create_task(act(load.scenario, staging, load.seconds))
        watching = asyncio.create_task(memory.watch())
        elapsed_s = await _drive(pool, load, keep)
        cost = Cost(time.process_time() - cpu_s, 1)
        marks = await acting
    finally:
        gc.unfreeze()
        for task in (acting, watching):
            task.cancel()
        await asyncio.gather(acting, watching, return_exceptions=True)
    samples, wanted = recorder.samples(), load.scenario.slopes
    slopes = None if wanted is None else judged(samples, memory, load.seconds, wanted)
    return Ran(samples, elapsed_s, cost, [*marks, *first_answers(samples)], slopes)


def _watched(scenario: Scenario, staging: Staging) -> Mapping[str, int]:
    stack = None if scenario.slopes is None else staging.stack
    return {} if stack is None else stack.pids


async def _drive(pool: Pool, load: Load, keep: Callable[[Exchange], None]) -> float:
    if load.due_s is None:
        return await drive_closed(pool, load.requests, load.callers, load.seconds, keep)
    return await drive(pool, load.requests, load.due_s.tolist(), keep)


def _forget(exchange: Exchange) -> None:
    pass
