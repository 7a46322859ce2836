"""What a rollout costs those who ask meanwhile: verified, tried, opened, promoted, and closed.

python -m tests.migration.measure_swaps build/demo

A gateway alone, then the same with one student after another coming, in turns of the same load.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from cache.connection import connect
from cache.rollout_board import RolloutBoard
from loadtest.bench.bodies import pools_of, requests_of
from loadtest.bench.warm import SETTINGS, warm
from loadtest.pool import Pool
from loadtest.stack import Stack, free_port, running_up
from server.rollout.acts import Asked, perform
from server.rollout.candidate import find_candidate
from server.rollout.plan import RolloutPlan
from server.rollout.state import State

HOST = "127.0.0.1"
CANDIDATES = 200
TIMEOUT_S = 5.0
TURN_S = 8.0
PLAN = RolloutPlan(
    steps=(1.0,), least_s=0.5, keep_s=0.0, is_judged=False, shadow_s=0.0, shadow_least=1
)


class Latencies(NamedTuple):
    alone_ms: list[float]
    beside_ms: list[float]  # while a rollout runs


async def asked(pool: Pool, requests: list[bytes], rate: float, stop: asyncio.Event) -> list[float]:
    """Milliseconds from when each was due; an answer other than 200 is a failure of the run."""
    spent, tasks, began_s = list[float](), list[asyncio.Task[None]](), time.perf_counter()

    async def one(number: int, due_s: float) -> None:
        answer = await pool.send(requests[number % len(requests)], TIMEOUT_S)
        assert answer.status == 200, answer
        spent.append((time.perf_counter() - began_s - due_s) * 1e3)

    rng, due_s = np.random.default_rng(int(began_s)), 0.0
    while not stop.is_set():
        due_s += float(rng.exponential(1.0 / rate))
        await asyncio.sleep(max(0.0, due_s - (time.perf_counter() - began_s)))
        tasks.append(asyncio.create_task(one(len(tasks), due_s)))
    await asyncio.gather(*tasks)
    return spent


async def swapped(board: RolloutBoard, folder: Path) -> None:
    """Until the rollout to it is done, and the student before is closed."""
    candidate = find_candidate(str(folder), None)
    await perform(board, Asked("start", "measure", "", to=candidate, plan=PLAN))
    state = State()
    while state.stage != "done":
        await asyncio.sleep(0.1)
        state = State.decode((await board.read()).body)
        assert state.stage != "rolled_back", state.reason
    await asyncio.sleep(2.0)


async def measured(stack: Stack, folders: list[Path], rate: float, rounds: int) -> Latencies:
    requests = requests_of(pools_of(folders[0]), CANDIDATES)
    board, told = RolloutBoard(connect(stack.redis_url), "student"), Latencies([], [])
    async with Pool(stack.url, 64) as pool:
        await warm(pool, requests)
        for number in range(rounds):
            for spent, work in (
                (told.alone_ms, asyncio.sleep(TURN_S)),
                (told.beside_ms, swapped(board, folders[(number + 1) % 2])),
            ):
                stop = asyncio.Event()
                asking = asyncio.create_task(asked(pool, requests, rate, stop))
                await work
                stop.set()
                spent += await asking
    return told


def print_swaps(
    source: Annotated[Path, typer.Argument(help="Folder of a demo.")],
    rate: Annotated[float, typer.Option(help="Requests a second.")] = 100.0,
    rounds: Annotated[int, typer.Option(help="Rollouts.")] = 6,
) -> None:
    """Print latencies of an open load without a rollout, and beside rollouts."""
    with tempfile.TemporaryDirectory() as scratch:
        other, state = Path(scratch) / "other", Path(scratch) / "live"
        subprocess.run(
            [sys.executable, "-m", "export.rehearsal", source / "serving", "--out", other],
            check=True,
        )
        folders = [source / "serving", other / "serving"]
        with running_up(source, state, HOST, free_port(HOST), SETTINGS) as stack:
            told = asyncio.run(measured(stack, folders, rate, rounds))
    for name, spent in told._asdict().items():
        p50, p99 = np.percentile(spent, [50, 99])
        typer.echo(f"{name:<10} {len(spent):>7,} requests  p50 {p50:.2f}  p99 {p99:.2f}")
    ratios = [np.percentile(told.beside_ms, p) / np.percentile(told.alone_ms, p) for p in (50, 99)]
    typer.echo(f"beside ÷ alone: p50 {ratios[0]:.2f}, p99 {ratios[1]:.2f}")


if __name__ == "__main__":
    typer.run(print_swaps)
