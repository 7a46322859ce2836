"""One worker and two under more load than they can answer, in turn.

python -m tests.server.workers.measure_scaling build/demo --write docs/performance.md
"""

import asyncio
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from loadtest.bench.bodies import pools_of, requests_of
from loadtest.bench.warm import SETTINGS, warm
from loadtest.closed_loop import drive_closed
from loadtest.event_loop import run
from loadtest.hardware import hardware
from loadtest.json_file import write_json
from loadtest.marked import fill
from loadtest.open_loop import Exchange
from loadtest.pool import Pool
from loadtest.stack import Stack, free_port, running_up
from tests.loadtest.typed import as_typed
from tests.server.workers.scaling import Block, as_markdown, spent_by

HOST: Final = "127.0.0.1"
MARK: Final = "workers"
MODULE: Final = "tests.server.workers.measure_scaling"
CANDIDATES: Final = 200
WORKERS: Final = (1, 2)
PAUSE_S: Final = 0.5
PATIENT: Final = {**SETTINGS, "UNDERSTUDY_DEADLINE_MS": "1500"}
"""Whoever waits behind 63 others is answered and not shed: refusals cost time too."""


async def measured(stack: Stack, pool: Pool, requests: Sequence[bytes], callers: int,
                   seconds: float) -> Block:  # fmt: skip
    statuses: list[int] = []

    def keep(exchange: Exchange) -> None:
        statuses.append(0 if exchange.answer is None else exchange.answer.status)

    before = spent_by(stack, time.process_time())
    elapsed_s = await drive_closed(pool, requests, callers, seconds, keep)
    spent = spent_by(stack, time.process_time()).since(before)
    answered = statuses.count(200)
    return Block(answered, len(statuses) - answered, elapsed_s, spent)


async def in_turns(
    stacks: Mapping[int, Stack],
    requests: Sequence[bytes],
    callers: int,
    rounds: int,
    seconds: float,
) -> dict[int, list[Block]]:
    rng, blocks = np.random.default_rng(7), {workers: list[Block]() for workers in stacks}
    async with AsyncExitStack() as kept:
        pools = {}
        for workers, stack in stacks.items():
            pools[workers] = await kept.enter_async_context(Pool(stack.url, callers))
            covered = await warm(pools[workers], requests)
            typer.echo(f"{workers} workers: {covered:.0%} of candidates covered", err=True)
            await measured(stack, pools[workers], requests, callers, seconds)  # not counted
        for number in range(rounds):
            for workers in rng.permutation(list(stacks)).tolist():
                block = await measured(stacks[workers], pools[workers], requests, callers, seconds)
                blocks[workers].append(block)
                typer.echo(f"{number}: {workers} workers {block.per_second:.0f}/s", err=True)
                await asyncio.sleep(PAUSE_S)
    return blocks


def measure(
    source: Annotated[Path, typer.Argument(help="Folder of a demo.")],
    rounds: Annotated[int, typer.Option(min=1, help="Blocks of each.")] = 20,
    block_s: Annotated[float, typer.Option(min=0.5)] = 6.0,
    callers: Annotated[int, typer.Option(min=2, help="Who each ask again at once.")] = 64,
    out: Annotated[Path, typer.Option(help="Where report.json goes.")] = Path("build/workers"),
    write: Annotated[Path | None, typer.Option(help="Page whose table is filled in.")] = None,
) -> None:
    """Tell requests by the gateway's processor time, for one worker and for two."""
    facts = {"date": time.strftime("%Y-%m-%d"), "hardware": hardware(),
             "command": as_typed(MODULE)}  # fmt: skip
    requests = requests_of(pools_of(source / "serving"), CANDIDATES)
    shutil.rmtree(out, ignore_errors=True)
    with ExitStack() as running:
        stacks = {
            workers: running.enter_context(_running(source, out.resolve(), workers))
            for workers in WORKERS
        }
        blocks = run(in_turns(stacks, requests, callers, rounds, block_s))
    write_json(out / "report.json", {**facts, "blocks": _as_json(blocks)})
    table = as_markdown(blocks, facts)
    typer.echo(table)
    if write is not None:
        fill(write, MARK, table)


def _running(source: Path, out: Path, workers: int) -> AbstractContextManager[Stack]:
    state = out / f"live-{workers}"
    state.mkdir(parents=True)
    settings = {**PATIENT, "UNDERSTUDY_WORKERS": str(workers)}
    return running_up(source, state, HOST, free_port(HOST), settings, state / "up.log")


def _as_json(blocks: Mapping[int, Sequence[Block]]) -> dict[str, Any]:
    return {
        str(workers): [{**block._asdict(), "spent": block.spent._asdict()} for block in each]
        for workers, each in blocks.items()
    }


if __name__ == "__main__":
    typer.run(measure)
