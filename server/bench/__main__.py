"""`python -m server.bench`: what the rerank costs here, as tables."""

from collections.abc import Callable
from time import thread_time
from typing import Annotated, Final

import numpy as np
import typer

from cache.bench.printed import say, table
from server.bench.cases import DIM, GROUPS, LIMIT, PINS, WINDOW, Case, cases, reference

SIZES: Final = (200, 500, 1000)
DEPTHS: Final = (10, 20, 50)
REFERENCE: Final = "reference"


def bench(
    calls: Annotated[int, typer.Option(help="Calls of each a round.", min=10)] = 200,
    rounds: Annotated[int, typer.Option(help="Rounds, of which the best counts.", min=1)] = 7,
) -> None:
    """Print p50 and p99 by size of the request and of the slate."""
    say(
        f"d = {DIM}; best of {rounds} rounds of {calls} calls, p50 / p99 in ms of processor time; "
        f"constraints: at most {LIMIT} of each of {GROUPS} groups, {PINS} pins; a window of "
        f"{WINDOW}; × is the p50 as a multiple of the reference, a product of 500 × 32 and "
        "32 × 500 in float32\n"
    )
    heads = [f"{count}, {depth}" for count in SIZES for depth in DEPTHS]
    told = [_measured(count, depth, calls, rounds) for count in SIZES for depth in DEPTHS]
    table(["n, k", *heads], [[name, *(column[name] for column in told)] for name in told[0]])


def _measured(count: int, depth: int, calls: int, rounds: int) -> dict[str, str]:
    """Cells by case. They take turns, so that who disturbs one disturbs all."""
    timed = {REFERENCE: reference()} | cases(count, depth)
    best: dict[str, tuple[float, float]] = {}
    for _ in range(rounds):
        for name, case in timed.items():
            p50, p99 = _spread_ms(case, calls)
            old = best.get(name, (p50, p99))
            best[name] = (min(p50, old[0]), min(p99, old[1]))
    unit = best[REFERENCE][0]
    return {name: f"{p50:.2f} / {p99:.2f}, {p50 / unit:.1f}×" for name, (p50, p99) in best.items()}


def _spread_ms(case: Case, calls: int) -> tuple[float, float]:
    taken = [_once_s(case) for _ in range(calls)]
    p50, p99 = np.percentile(taken, (50, 99)).tolist()
    return p50 * 1e3, p99 * 1e3


def _once_s(case: Callable[[], object]) -> float:
    """Of the processor: what others take of it in between does not count."""
    began = thread_time()
    case()
    return thread_time() - began


if __name__ == "__main__":
    typer.run(bench)
