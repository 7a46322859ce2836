"""One size of request: the raw loop, then the gateway at the highest rate that it holds."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from loadtest.errors import StepFailed
from loadtest.open_loop import Outcome
from loadtest.pool import Pool
from loadtest.search import Found, highest_rate
from loadtest.trial import trial

IN_FLIGHT: Final = 64
P99_LIMIT_MS: Final = 25.0
OVERLOAD: Final = 0.65
"""Of the raw loop's rate: more than a gateway answers, and none waits two seconds."""
TRIAL_S: Final = 4.0
RAW_S: Final = 3.0


class Raw(NamedTuple):
    per_second: float
    p50_ms: float
    p99_ms: float


class Answered(NamedTuple):
    overloaded: Outcome  # with more load than it can answer
    found: Found  # the most that it answers in time


def raw_loop(bundle: Path, sizes: Sequence[int], core: int) -> dict[int, Raw]:
    """ONNX Runtime in a loop on `core`, by number of candidates. Raises StepFailed."""
    names = ",".join(map(str, sizes))
    command = ["taskset", "-c", str(core), sys.executable, "-m", "server.raw_loop", str(bundle)]
    command += ["--candidates", names, "--seconds", str(RAW_S)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise StepFailed(f"`{' '.join(command)}` ended with {done.returncode}; its words are above")
    told: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return {int(size): Raw(**measured) for size, measured in told.items()}


def gateway(url: str, requests: Sequence[bytes], ceiling: float) -> Answered:
    """`ceiling`: the raw loop's rate, which no gateway around it can pass."""

    def attempt(rate: float) -> Outcome:
        return asyncio.run(_trial(url, requests, rate))

    attempt(ceiling / 4)  # connections and allocators warm up unmeasured
    # The middle one: a neighbour's second of work is not the gateway's.
    overloads = sorted((attempt(ceiling * OVERLOAD) for _ in range(3)), key=_rate)
    return Answered(overloads[1], highest_rate(attempt, 0.0, ceiling, P99_LIMIT_MS))


def _rate(outcome: Outcome) -> float:
    return outcome.achieved_rate


async def _trial(url: str, requests: Sequence[bytes], rate: float) -> Outcome:
    async with Pool(url, IN_FLIGHT) as pool:
        return await trial(pool, requests, rate, TRIAL_S)
