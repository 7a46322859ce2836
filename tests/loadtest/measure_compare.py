"""How often `compare` and `capacity` are right about servers whose difference is known: each a
process that computes for a given time a request, on whatever else the machine does.

python -m tests.loadtest.measure_compare --times 20 --write docs/performance.md
"""

import asyncio
import json
import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from typer.testing import CliRunner

from loadtest.command import app as commands
from loadtest.hardware import hardware
from tests.loadtest.rows import set_row
from tests.loadtest.toy_server import SLATE
from tests.loadtest.typed import as_typed

INFERENCE_MS = 2.0
MORE = 1.1
MARK = "loadtest"
MODULE = "tests.loadtest.measure_compare"
SAME = "`compare` of a server with itself"
OTHER = "`compare` with 10 % more inference"


@contextmanager
def spinning(inference_ms: float) -> Iterator[str]:
    """Its URL. One request at a time, as one core has it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # Accepted sockets inherit it; asyncio sets it only on those that name their protocol, and
        # without it head and body of an answer are 40 ms apart.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(listening, inference_ms), daemon=True
        )
        process.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            process.terminate()
            process.join()


def _serve(listening: socket.socket, inference_ms: float) -> None:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        began = time.perf_counter()
        while (spent_ms := (time.perf_counter() - began) * 1000.0) < inference_ms:
            pass
        body = json.dumps(SLATE).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"server-timing", f"inference;dur={spent_ms:.3f}".encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
    asyncio.run(uvicorn.Server(config).serve([listening]))


def _differs(second_ms: float, rounds: int, block_s: float) -> list[str]:
    words = ["compare", "--rate", "60", "--rounds", str(rounds), "--block-s", str(block_s)]
    with spinning(INFERENCE_MS) as first, spinning(second_ms) as second:
        told = CliRunner().invoke(commands, [*words, "--url", first, "--url", second, "--json"])
    found: list[str] = json.loads(told.stdout)["differs"]
    return found


def _capacity(seconds: float) -> dict[str, Any]:
    words = ["capacity", "--seconds", str(seconds), "--repeat", "2", "--start", "100"]
    limits = ["--limit", "p99_ms=40", "--limit", "errors=0"]
    with spinning(INFERENCE_MS) as url:
        told = CliRunner().invoke(commands, [*words, *limits, "--url", url, "--json"])
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def measure(
    times: Annotated[int, typer.Option(min=1, help="Comparisons of each kind.")] = 20,
    rounds: Annotated[int, typer.Option(min=9, help="Blocks a side.")] = 40,
    block_s: Annotated[float, typer.Option(min=0.1)] = 1.0,
    trial_s: Annotated[float, typer.Option(min=1)] = 5.0,
    write: Annotated[Path | None, typer.Option(help="Page whose rows are filled in.")] = None,
) -> None:
    measured = f"{time.strftime('%Y-%m-%d')}, {hardware()}; `{as_typed(MODULE)}`"
    same = [_differs(INFERENCE_MS, rounds, block_s) for _ in range(times)]
    wrong = f"{sum(map(bool, same))} of {times} said to differ"
    typer.echo(f"a build with itself: {wrong} {same}")
    more = [_differs(INFERENCE_MS * MORE, rounds, block_s) for _ in range(times)]
    right = f"{sum('inference p50' in each for each in more)} of {times} told apart"
    typer.echo(f"10 % more inference: {right}")
    if write is not None:
        set_row(write, MARK, [SAME, wrong, measured])
        set_row(write, MARK, [OTHER, right, measured])
    told = _capacity(trial_s)
    typer.echo(f"capacity twice: {told['rates']}, spread {told['spread']}")


if __name__ == "__main__":
    typer.run(measure)
