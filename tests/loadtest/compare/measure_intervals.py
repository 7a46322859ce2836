"""Intervals of a ratio on the simulated machine of test_ratio.py: how often each finds a difference
where there is none, and where there is one.

python -m tests.loadtest.compare.measure_intervals
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Final

import numpy as np
import typer

from loadtest.compare import blocks
from loadtest.compare import ratio as ratios
from loadtest.compare.ratio import ALPHA, F64, Ratio
from tests.loadtest.compare import test_ratio as simulation

RESAMPLES: Final = 2000

Interval = Callable[[F64, F64, float], Ratio | None]


def bootstrap_t(first: F64, second: F64, alpha: float = ALPHA) -> Ratio:
    logs, drawn = _drawn(first, second)
    mean, error = logs.mean(), logs.std(ddof=1) / np.sqrt(len(logs))
    t = (drawn.mean(axis=1) - mean) / (drawn.std(axis=1, ddof=1) / np.sqrt(len(logs)))
    low, high = np.quantile(t, [alpha / 2, 1 - alpha / 2])
    return _ratio(mean, mean - high * error, mean - low * error, len(logs))


def bootstrap_percentiles(first: F64, second: F64, alpha: float = ALPHA) -> Ratio:
    logs, drawn = _drawn(first, second)
    low, high = np.quantile(drawn.mean(axis=1), [alpha / 2, 1 - alpha / 2])
    return _ratio(logs.mean(), low, high, len(logs))


def _drawn(first: F64, second: F64) -> tuple[F64, F64]:
    logs = np.log(second) - np.log(first)
    places = np.random.default_rng(11).integers(0, len(logs), (RESAMPLES, len(logs)))
    return logs, logs[places]


def _ratio(middle: float, low: float, high: float, count: int) -> Ratio:
    return Ratio(float(np.exp(middle)), float(np.exp(low)), float(np.exp(high)), count)


INTERVALS: Final[dict[str, Interval]] = {
    "Wilcoxon's": ratios.ratio,
    "bootstrap-t of the mean over blocks": bootstrap_t,
    "bootstrap percentiles of the mean": bootstrap_percentiles,
}


async def _count(times: int, second_ms: float, metric: str | None) -> int:
    found = [await simulation.differs(seed, second_ms) for seed in range(times)]
    return sum(metric in each if metric else bool(each) for each in found)


def measure(
    rounds: Annotated[int, typer.Option(help="Pairs of blocks.")] = 24,
    same: Annotated[int, typer.Option(help="Comparisons of equal builds.")] = 300,
    more: Annotated[int, typer.Option(help="Comparisons with 10 % more inference.")] = 100,
) -> None:
    blocks.PAUSE_S = 0.0  # type: ignore[misc]
    simulation.ROUNDS = rounds
    for name, interval in INTERVALS.items():
        ratios.ratio = interval  # type: ignore[assignment]
        wrong = asyncio.run(_count(same, 1.0, None))
        right = asyncio.run(_count(more, 1.1, "inference p50"))
        typer.echo(f"| {name} | {wrong} of {same} | {right} of {more} |")


if __name__ == "__main__":
    typer.run(measure)
