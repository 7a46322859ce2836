"""Two models run in turn on the same machine in the same minutes."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import numpy as np
from safetensors.numpy import load_file

from models.features.records import Arrays
from models.manifest import GOLDEN, Bundle
from models.runtime import golden_inputs

WARM_RUNS: Final = 20


class Run(Protocol):
    def __call__(self, arrays: Arrays) -> object: ...


class Side(NamedTuple):
    run: Run
    arrays: Arrays
    rows: int  # candidates of the batch


class Latency(NamedTuple):
    rows: int
    p50_ms: float
    p99_ms: float


class Compared(NamedTuple):
    runs: int  # of each
    a: Latency
    b: Latency

    @property
    def ratio_p50(self) -> float:
        """b ÷ a: above 1 where b is slower."""
        return self.b.p50_ms / self.a.p50_ms

    @property
    def ratio_p99(self) -> float:
        return self.b.p99_ms / self.a.p99_ms


def sides(a: Bundle, b: Bundle, run_a: Run, run_b: Run) -> tuple[Side, Side]:
    """Each with its golden batch; with a's where both read the same inputs, so that sizes agree."""
    golden_a = _golden(a)
    alike = a.manifest.inputs == b.manifest.inputs
    golden_b = golden_a if alike else _golden(b)
    return Side(run_a, golden_a, _rows(golden_a)), Side(run_b, golden_b, _rows(golden_b))


def measure(
    a: Side, b: Side, runs: int, clock: Callable[[], float] = time.perf_counter
) -> Compared:
    """In turn, and each first every other time: what slows the machine slows both."""
    for side in (a, b) * WARM_RUNS:
        side.run(side.arrays)
    spent: dict[int, list[float]] = {0: [], 1: []}
    for turn in range(runs):
        for which in ((0, 1), (1, 0))[turn % 2]:
            side = (a, b)[which]
            started = clock()
            side.run(side.arrays)
            spent[which].append((clock() - started) * 1000)
    return Compared(runs, _latency(a, spent[0]), _latency(b, spent[1]))


def _latency(side: Side, spent_ms: list[float]) -> Latency:
    p50, p99 = np.percentile(spent_ms, (50, 99))
    return Latency(side.rows, float(p50), float(p99))


def _golden(bundle: Bundle) -> Arrays:
    return golden_inputs(load_file(bundle.folder / GOLDEN), bundle.manifest)


def _rows(arrays: Arrays) -> int:
    return len(arrays["request_index"])
