"""`understudy bench`: one gateway worker on one core against its own model in a loop."""

import asyncio
import json
import os
import shutil
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from loadtest.bench.bodies import pools_of, requests_of
from loadtest.bench.cores import Cores, pin, two_cores
from loadtest.bench.report import Measured, as_json, as_markdown
from loadtest.bench.sizes import IN_FLIGHT, gateway, raw_loop
from loadtest.bench.warm import SETTINGS, warm
from loadtest.hardware import hardware
from loadtest.json_file import write_json
from loadtest.marked import fill
from loadtest.pool import Pool
from loadtest.stack import Stack, free_port, running_up

HOST: Final = "127.0.0.1"
MARK: Final = "bench"


def bench(
    source: Annotated[Path, typer.Option("--from", help="Folder of a demo.")] = Path("build/demo"),
    out: Annotated[Path, typer.Option(help="Where report.json goes.")] = Path("build/bench"),
    sizes: Annotated[str, typer.Option(help="Candidates a request, with commas.")] = "50,200,500",
    write: Annotated[Path | None, typer.Option(help="Page whose table is filled in.")] = None,
) -> None:
    """Find the highest open-loop rate at p99 ≤ 25 ms, as a share of the raw loop's."""
    console, cores, state = Console(), two_cores(), out.resolve() / "live"
    shutil.rmtree(state, ignore_errors=True)
    with running_up(source, state, HOST, free_port(HOST), SETTINGS) as stack:
        measured_on = hardware()
        pin([pid for name, pid in stack.pids.items() if name != "gateway"], cores.others)
        pin([stack.pid("gateway")], cores.measured)
        pin([os.getpid()], cores.others)
        rows = measure(source / "serving", stack, cores, list(map(int, sizes.split(","))), console)
    date = time.strftime("%Y-%m-%d")
    write_json(out / "report.json", as_json(rows, {"hardware": measured_on, "date": date}))
    table = as_markdown(rows, measured_on, date)
    typer.echo(table)
    if write is not None:
        fill(write, MARK, table)


def measure(
    serving: Path, stack: Stack, cores: Cores, sizes: list[int], console: Console
) -> list[Measured]:
    student = json.loads((serving / "serving.json").read_text())["student"]
    pools = pools_of(serving)
    console.print(f"filling the pages of {len(pools.users)} users")
    asyncio.run(_warm(stack.url, requests_of(pools, max(sizes))))
    rows = []
    raw = raw_loop(serving / student, sizes, cores.measured)
    for size in sizes:
        requests = requests_of(pools, size)
        covered = asyncio.run(_warm(stack.url, requests))
        console.print(f"{size} candidates: raw loop {raw[size].per_second:.0f}/s, searching")
        answered = gateway(stack.url, requests, raw[size].per_second)
        rows.append(Measured(size, covered, raw[size], *answered))
    return rows


async def _warm(url: str, requests: list[bytes]) -> float:
    async with Pool(url, IN_FLIGHT) as pool:
        return await warm(pool, requests)
