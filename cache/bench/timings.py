"""What takes how long: steps within the process, and reads of a server by concurrent callers."""

import asyncio
import time
import timeit
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, Self

import numpy as np

from cache import page, record
from cache.bench.sample import CONTEXT, DIM, NOW_MS, TASKS, Sample
from cache.keys import pair_keys
from cache.refresh.pages import SEQUENCE
from cache.sequence import Past, read
from cache.tiers import Lookup, TtlPolicy, resolve

Step = Callable[[], object]
Read = Callable[[], Awaitable[object]]
RUNS: Final = 300
REPEATS: Final = 20


class Spread(NamedTuple):
    p50_us: float
    p99_us: float
    per_s: float

    def best(self, other: Self) -> Self:
        return type(self)(
            min(self.p50_us, other.p50_us),
            min(self.p99_us, other.p99_us),
            max(self.per_s, other.per_s),
        )


def steps(sample: Sample) -> dict[str, Step]:
    decoded, ttl = page.decode(sample.page), TtlPolicy()
    past = Past(decoded.sequence, record.decode(sample.record).times_ms)
    pairs = sample.pairs

    def resolved_page() -> object:
        lookup = Lookup(page.decode(sample.page), pair_keys(sample.items, CONTEXT), NOW_MS)
        return resolve([lookup], ttl, DIM, TASKS)

    return {
        "decode page": lambda: page.decode(sample.page),
        "pair keys": lambda: pair_keys(sample.items, CONTEXT),
        "resolve": lambda: resolve([Lookup(decoded, pairs, NOW_MS)], ttl, DIM, TASKS),
        "all three": resolved_page,
        "decode record": lambda: record.decode(sample.record),
        "read sequence": lambda: read([past], SEQUENCE, DIM),
    }


def best_us(step: Step) -> float:
    """The best mean of several runs: what it takes when nobody else wants the core."""
    return min(timeit.repeat(step, number=RUNS, repeat=REPEATS)) / RUNS * 1e6


async def compared(
    reads: Mapping[str, Read], callers: int, *, calls: int, rounds: int
) -> dict[str, Spread]:
    """The best of all rounds. In each of them the reads take turns: who disturbs one, disturbs
    all."""
    best: dict[str, Spread] = {}
    for _ in range(rounds):
        for name, each in reads.items():
            spread = await _spread(each, callers, calls)
            best[name] = best.get(name, spread).best(spread)
    return best


async def _spread(each: Read, callers: int, calls: int) -> Spread:
    taken: list[float] = []

    async def caller() -> None:
        for _ in range(calls // callers):
            started = time.perf_counter()
            await each()
            taken.append(time.perf_counter() - started)

    await each()
    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    elapsed = time.perf_counter() - started
    p50, p99 = (float(np.percentile(taken, q)) * 1e6 for q in (50, 99))
    return Spread(p50, p99, len(taken) / elapsed)
