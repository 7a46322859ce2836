"""Short blocks of the same load on two gateways, in turn, the order of each pair by chance."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from loadtest.compare.ratio import F64
from loadtest.run.percentile import CLAIMED, fewest
from loadtest.run.samples import Samples

SIDES: Final = ("A", "B")
PAUSE_S: Final = 0.2
STAGE: Final = "inference"
NAN: Final = float("nan")


class Block(NamedTuple):
    p50_ms: float
    p99_ms: float  # NaN where its answers are too few to claim one
    throughput: float  # answers with 200 a second
    inference_p50_ms: float  # as Server-Timing tells it; NaN without
    requests: int
    failed: int  # not answered with 200


Measure = Callable[[int], Awaitable[Block]]


def block_of(samples: Samples, elapsed_s: float) -> Block:
    answered = samples.is_answered
    spent = samples.latency_ms[answered]
    inference = samples.stages_ms.get(STAGE, np.full(len(samples), NAN))[answered]
    told = inference[~np.isnan(inference)]
    has_p99 = len(spent) >= fewest(CLAIMED["p99"])
    return Block(
        p50_ms=float(np.median(spent)) if len(spent) else NAN,
        p99_ms=float(np.quantile(spent, CLAIMED["p99"])) if has_p99 else NAN,
        throughput=len(spent) / elapsed_s,
        inference_p50_ms=float(np.median(told)) if len(told) else NAN,
        requests=len(samples),
        failed=int((~answered).sum()),
    )


async def interleaved(
    measures: Mapping[str, Measure], rounds: int, seed: int, tick: Callable[[], None]
) -> dict[str, list[Block]]:
    """By side, in rounds. Both sides of a round are sent the same arrivals and requests."""
    rng, blocks = np.random.default_rng(seed), {side: list[Block]() for side in measures}
    for number in range(rounds):
        for side in rng.permutation(list(measures)).tolist():
            blocks[side].append(await measures[side](number))
            tick()
            await asyncio.sleep(PAUSE_S)
    return blocks


METRICS: Final = {
    "p50": "p50_ms",
    "p99": "p99_ms",
    "throughput": "throughput",
    "inference p50": "inference_p50_ms",
}


def columns(blocks: Sequence[Block]) -> dict[str, F64]:
    """`[blocks]` by metric; without those that no block has."""
    found = {
        name: np.array([getattr(block, field) for block in blocks], np.float64)
        for name, field in METRICS.items()
    }
    return {name: values for name, values in found.items() if not np.isnan(values).all()}
