"""`understudy rank`: a request from a file or stdin, its slate on the terminal."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from loadtest.connection import Answer, encode
from loadtest.pool import Pool


def rank(
    request: Annotated[
        str, typer.Argument(help="JSON file of POST /v1/rank; - reads stdin.")
    ] = "-",
    url: Annotated[str, typer.Option(help="Where the gateway listens.")] = "http://127.0.0.1:8080",
    raw: Annotated[bool, typer.Option("--json", help="Print the answer as it came.")] = False,
) -> None:
    """Ask a gateway for a slate. Ends with 1 when it refuses."""
    body = sys.stdin.buffer.read() if request == "-" else Path(request).read_bytes()
    answer = asyncio.run(_ask(url, body))
    if raw or answer.status != 200:
        typer.echo(answer.body.decode())
    else:
        _show(json.loads(answer.body), answer.headers.get("server-timing", ""))
    if answer.status != 200:
        raise typer.Exit(1)


async def _ask(url: str, body: bytes) -> Answer:
    pool = Pool(url, 1)
    return await pool.send(encode("POST", "/v1/rank", body), timeout_s=10.0)


def _show(told: dict[str, Any], timing: str) -> None:
    table = Table("", "item", "score", title=f"{told['model']} {told['version']}")
    for place, (item_id, score) in enumerate(zip(told["item_ids"], told["scores"], strict=True)):
        table.add_row(str(place + 1), item_id, f"{score:.4f}")
    console = Console()
    console.print(table)
    shares = ", ".join(f"{tier} {share:.0%}" for tier, share in told["coverage"].items())
    console.print(f"coverage  {shares}", highlight=False)
    for degraded in told["degraded"]:
        console.print(f"degraded  {degraded['stage']}: {degraded['reason']}")
    console.print(f"timing    {timing}", highlight=False, soft_wrap=True)
