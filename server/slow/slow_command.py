"""`understudy slow`: the slowest requests of a gateway's last minutes."""

import json
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cache.clock import wall_clock_ms
from server.body import shown
from server.certificates import trusting
from server.routes.slow import PATH
from server.slow.pages import MAX_SHOWN
from server.slow.wire import SlowRequest, SlowRequests
from server.web import Away, Page, Web

SLOWEST_STAGES: Final = 3
_READ: Final = msgspec.json.Decoder(SlowRequests)


def slow(
    url: Annotated[
        str, typer.Argument(help="Where the gateway listens.")
    ] = "http://127.0.0.1:8080",
    count: Annotated[int, typer.Option(min=1, max=MAX_SHOWN, help="How many.")] = 20,
    token: Annotated[
        str | None,
        typer.Option(envvar="UNDERSTUDY_ADMIN_TOKEN", help="The administrators' token."),
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="PEM file of authorities to trust.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as it came.")] = False,
) -> None:
    """Show the slowest requests, and where their time went. Ends with 1 when it is refused."""
    page = _page(url, count, token, ca)
    try:
        told = _READ.decode(page.body)
    except msgspec.DecodeError as error:
        raise _failed(f"{url}: is that a gateway? {error}") from error
    if as_json:
        typer.echo(page.body.decode())
        return
    _show(told)


def _page(url: str, count: int, token: str | None, ca: Path | None) -> Page:
    """Raises Exit of a refusal."""
    try:
        trusted = trusting(ca)
    except OSError as error:
        raise _failed(f"--ca {ca}: {error}") from error
    try:
        page = Web(url, token, trusted).get(f"{PATH}?count={count}", has_token=True)
    except Away as error:
        raise _failed(str(error)) from error
    if page.status != 200:
        raise _failed(_refusal(page))
    return page


def _failed(why: str) -> typer.Exit:
    typer.echo(f"understudy slow: {why}", err=True)
    return typer.Exit(1)


def _refusal(page: Page) -> str:
    if page.status == 404:
        return "404: it has no such page: start it with UNDERSTUDY_ADMIN_TOKEN"
    try:
        told = json.loads(page.body)
        return f"{page.status}: {shown(told['detail'])}: {shown(told.get('remedy'))}"
    except (ValueError, LookupError, TypeError):
        return f"{page.status}: is that a gateway?"


def _show(told: SlowRequests) -> None:
    console = Console()
    if not told.kept:
        console.print("nothing is kept: UNDERSTUDY_SLOW_KEPT is 0")
        return
    columns = ("ms", "most of it", "ago", "status", "candidates", "batch", "lane", "key", "lacks",
               "user", "request", "trace")  # fmt: skip
    table = Table(*columns)
    now_ms = wall_clock_ms()
    for request in told.requests:
        table.add_row(*map(Text, _row(request, now_ms)))  # ids are others' words: no markup
    console.print(table)
    minutes = told.windows * told.window_s / 60
    console.print(f"the {told.kept} slowest of each {told.window_s:g} s, of {minutes:g} min")
    if told.silent_workers:
        console.print(f"{told.silent_workers} workers did not answer in time")


def _row(request: SlowRequest, now_ms: int) -> list[str]:
    longest = sorted(request.stages.items(), key=lambda stage: -stage[1])[:SLOWEST_STAGES]
    lacks = ", ".join(f"{each.stage}: {each.reason}" for each in request.degraded)
    inputs = request.inputs
    return [
        f"{request.total_ms:.1f}",
        ", ".join(f"{stage} {ms:.1f}" for stage, ms in longest if ms),
        f"{(now_ms - request.at_ms) / 1000:.0f} s",
        str(request.status),
        _told(request.candidates),
        f"{_told(request.batch_requests)} / {_told(request.batch_candidates)}",
        request.lane or "-",
        request.key or "-",
        lacks or "-",
        "-" if inputs is None else shown(inputs.user) or "-",
        shown(request.request_id) or "-",
        request.trace_id or "-",
    ]


def _told(figure: int | None) -> str:
    return "-" if figure is None else str(figure)
