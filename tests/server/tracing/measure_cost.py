"""What traces and metrics cost: one gateway on one core, with more load than it can answer.

python -m tests.server.tracing.measure_cost build/demo --write docs/performance.md

A gateway for each arm, all on one core and asked in turns, block by block in an order by chance;
load, Valkey, collector and all else share the other core. Takes about eight minutes.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import Popen
from typing import Annotated, NamedTuple

import numpy as np
import typer

from loadtest.bench.bodies import pools_of, requests_of
from loadtest.bench.cores import pin, two_cores
from loadtest.bench.warm import SETTINGS, warm
from loadtest.closed_loop import drive_closed
from loadtest.compare.blocks import NAN, Block, Measure, interleaved
from loadtest.compare.ratio import F64, ratio
from loadtest.errors import StepFailed
from loadtest.hardware import hardware
from loadtest.marked import fill
from loadtest.open_loop import Exchange
from loadtest.pool import Pool
from loadtest.stack import free_port, running_up, stopped_at_the_end, wait_ready

HOST = "127.0.0.1"
MARK = "observability"
CANDIDATES = 200
CALLERS = 32
SEED = 7
MOST_FAILED = 0.01
UNCOUNTED = "tests.server.tracing.uncounted"


class Arm(NamedTuple):
    trace_ratio: float
    module: str = "understudy"


class Row(NamedTuple):
    what: str
    without: str  # an arm
    beside: str  # another, with it
    least: float | None  # of the ratio, as is aimed at


ARMS = {
    "plain": Arm(0.0),
    "some": Arm(0.01),
    "all": Arm(1.0),
    "uncounted": Arm(0.0, UNCOUNTED),
}
ROWS = (
    Row("traces of 1 % of the requests", "plain", "some", 0.98),
    Row("traces of all", "plain", "all", None),
    Row("metrics", "uncounted", "plain", 0.97),
)


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def sink() -> Iterator[str]:
    """The URL of a collector, in a process of its own, that takes everything."""
    server = ThreadingHTTPServer((HOST, 0), _Sink)
    process = multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True)
    process.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        process.terminate()
        process.join()
        server.server_close()


@contextmanager
def gateway(arm: Arm, serving: Path, redis_url: str, collector: str) -> Iterator[tuple[str, int]]:
    """URL and process."""
    port = free_port(HOST)
    words = ["serve", "--from", str(serving), "--host", HOST, "--port", str(port)]
    env = {
        **os.environ,
        **SETTINGS,
        "UNDERSTUDY_REDIS_URL": redis_url,
        "UNDERSTUDY_REPLAY": "true",
        "UNDERSTUDY_DRAIN_S": "0",
        "UNDERSTUDY_DEADLINE_MS": "5000",  # all is answered, as fast as it can be
        "UNDERSTUDY_TRACE_RATIO": str(arm.trace_ratio),
        "UNDERSTUDY_TRACE_ENDPOINT": collector,
    }
    process = Popen([sys.executable, "-m", arm.module, *words], env=env)
    with stopped_at_the_end(process):
        wait_ready(f"http://{HOST}:{port}", process, arm.module)
        yield f"http://{HOST}:{port}", process.pid


def measure_of(pool: Pool, requests: list[bytes], seconds: float) -> Measure:
    async def measure(number: int) -> Block:
        told: list[Exchange] = []
        elapsed_s = await drive_closed(pool, requests, CALLERS, seconds, told.append)
        spent = [each.latency_ms for each in told if each.answer and each.answer.status == 200]
        failed = len(told) - len(spent)
        if not spent or failed > MOST_FAILED * len(told):
            raise StepFailed(f"{failed} of {len(told)} requests were not answered")
        p50, p99 = np.percentile(spent, [50, 99]).tolist()
        return Block(p50, p99, len(spent) / elapsed_s, NAN, len(told), failed)

    return measure


async def measured(
    urls: dict[str, str], requests: list[bytes], rounds: int, seconds: float
) -> dict[str, list[Block]]:
    pools = {name: Pool(url, CALLERS) for name, url in urls.items()}
    try:
        measures = {name: measure_of(pool, requests, seconds) for name, pool in pools.items()}
        for name, measure in measures.items():
            covered = await warm(pools[name], requests)
            typer.echo(f"{name}: {covered:.0%} of the candidates covered", err=True)
            await measure(-1)  # connections and allocators warm up unmeasured
        done = iter(range(1, rounds * len(urls) + 1))
        return await interleaved(measures, rounds, SEED, lambda: _tick(next(done), rounds, urls))
    finally:
        for pool in pools.values():
            await pool.close()


def _tick(done: int, rounds: int, urls: dict[str, str]) -> None:
    if done % (10 * len(urls)) == 0:
        typer.echo(f"{done // len(urls)} of {rounds} rounds", err=True)


def table(blocks: dict[str, list[Block]], measured_on: str) -> str:
    rates = {name: np.array([each.throughput for each in told]) for name, told in blocks.items()}
    rounds = len(next(iter(blocks.values())))
    lines = [
        f"{time.strftime('%Y-%m-%d')}, {measured_on}, N = {CANDIDATES}, {rounds} blocks an arm.",
        "",
        "| what | requests/s without | with | with ÷ without | 95 % interval | aim |",
        "|---|---|---|---|---|---|",
        *(_line(row, rates[row.without], rates[row.beside]) for row in ROWS),
    ]
    return "\n".join(lines)


def _line(row: Row, without: F64, beside: F64) -> str:
    told = ratio(without, beside)
    shown = ("–", "–") if told is None else (f"{told.value:.3f}", f"{told.low:.3f}–{told.high:.3f}")
    cells = [row.what, f"{np.median(without):.0f}", f"{np.median(beside):.0f}", *shown]
    return f"| {' | '.join([*cells, '–' if row.least is None else f'≥ {row.least}'])} |"


def measure(
    source: Annotated[Path, typer.Argument(help="Folder of a demo.")],
    rounds: Annotated[int, typer.Option(min=9, help="Blocks an arm.")] = 36,
    block_s: Annotated[float, typer.Option(min=0.1, help="Length of a block.")] = 2.5,
    write: Annotated[Path | None, typer.Option(help="Page whose table is filled in.")] = None,
) -> None:
    """Print what traces and metrics cost in throughput."""
    cores, measured_on, serving = two_cores(), hardware(), source / "serving"
    requests = requests_of(pools_of(serving), CANDIDATES)
    with ExitStack() as running:
        state = Path(running.enter_context(tempfile.TemporaryDirectory()))
        os.sched_setaffinity(0, {cores.others})  # and what is started from here
        collector = running.enter_context(sink())
        up = running_up(source, state, HOST, free_port(HOST), SETTINGS)
        stack = running.enter_context(up)
        urls = {}
        for name, arm in ARMS.items():
            opened = gateway(arm, serving, stack.redis_url, collector)
            urls[name], pid = running.enter_context(opened)
            pin([pid], cores.measured)
        told = table(asyncio.run(measured(urls, requests, rounds, block_s)), measured_on)
    typer.echo(told)
    if write is not None:
        fill(write, MARK, told)


if __name__ == "__main__":
    typer.run(measure)
