"""`understudy size`: what a deployment will take."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from cache.bench.drawn import Shape
from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.quantise import Precision
from cache.sizing.measurement import measured
from cache.sizing.workload import Measured, Needs, Traffic, needs


def size(
    users: Annotated[float, typer.Option(min=1, help="Users with a page.")] = 1e6,
    entries: Annotated[int, typer.Option(min=1, max=4096, help="Pairs in a page.")] = 300,
    events: Annotated[int, typer.Option(min=0, max=256, help="Events in a record.")] = 50,
    sequence: Annotated[int, typer.Option(min=0, max=256, help="Length of the sequence.")] = 50,
    dim: Annotated[int, typer.Option(min=1, max=512, help="Width of z.")] = 32,
    tasks: Annotated[int, typer.Option(min=1, max=4, help="Tasks of the teacher.")] = 1,
    precision: Annotated[Literal["fp16", "int8", "int4"], typer.Option(help="Of z.")] = "int8",
    requests_per_s: Annotated[float, typer.Option(min=0, help="Requests a second.")] = 1000.0,
    candidates: Annotated[float, typer.Option(min=1, help="Candidates of a request.")] = 200.0,
    covered: Annotated[
        float, typer.Option(min=0, max=1, help="Share of them with a fresh pair.")
    ] = 0.8,
    teacher_pairs_per_s: Annotated[
        float, typer.Option(min=1, help="Pairs a core of the teacher; `understudy backfill` says.")
    ] = 50_000.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Measure what users like these take in a real server, and reckon what traffic like this
    needs of memory, bandwidth and teacher."""
    shape = Shape(entries, events, sequence, dim, tasks, Precision[precision.upper()])
    of_user = asyncio.run(_measured(shape))
    needed = needs(
        Traffic(users, requests_per_s, candidates, covered, teacher_pairs_per_s), of_user
    )
    if as_json:
        typer.echo(json.dumps({"user": of_user._asdict(), "needs": needed._asdict()}))
        return
    Console().print(_table(of_user, needed))


async def _measured(shape: Shape) -> Measured:
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder) / "data") as server:
        client = connect(server.url, answer_ms=10_000.0)
        try:
            return await measured(client, shape)
        finally:
            await client.aclose()


def _table(of_user: Measured, needed: Needs) -> Table:
    table = Table("", "", show_header=False)
    for what, amount in (
        ("page", f"{of_user.page:,.0f} bytes a user"),
        ("record", f"{of_user.record:,.0f} bytes a user"),
        ("both in the server's memory", f"{of_user.in_memory:,.0f} bytes a user"),
        ("memory for all users", decimal(round(needed.memory_bytes))),
        ("read by gateways", f"{decimal(round(needed.read_bytes_per_s))}/s"),
        ("demanded of the teacher, at most", f"{needed.demanded_pairs_per_s:,.0f} pairs/s"),
        ("pages read and written for it", f"{decimal(round(needed.page_write_bytes_per_s))}/s"),
        ("cores of the teacher", f"{needed.teacher_cores:,.1f}"),
    ):
        table.add_row(what, amount)
    return table
