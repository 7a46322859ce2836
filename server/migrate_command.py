"""`understudy migrate`: one student, and the space that it reads, after another."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from cache.connection import connect
from cache.migration import Migration, MigrationBoard
from cache.refresh.options import RedisUrl
from models.manifest import read_manifest
from server.serving_folder import open_serving_folder

Action = Literal["status", "start", "abort", "back"]


class MigrationRefused(Exception):
    """There is nothing to do, or somebody else has just done something."""


def migrate(
    action: Annotated[Action, typer.Argument(help="What to do.")],
    redis_url: RedisUrl,
    to: Annotated[
        Path | None,
        typer.Option(help="start: serving folder, at this path on every gateway's host."),
    ] = None,
    model: Annotated[str, typer.Option(help="Name of the model that is served.")] = "student",
    max_gap: Annotated[
        float, typer.Option(min=0, max=1, help="Coverage by pairs that the switch may cost.")
    ] = 0.02,
    mark: Annotated[
        float, typer.Option(min=0, max=1, help="Coverage by pairs that it needs in any case.")
    ] = 0.0,
    least: Annotated[
        int, typer.Option(min=1, help="Candidates that a window must have seen.")
    ] = 10_000,
    window_s: Annotated[float, typer.Option(min=0.5, max=3600, help="Length of a window.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Fill the space of a new teacher and switch to its student when it is filled (start), give
    that up (abort), return to the student before (back); or tell how it stands (status)."""
    if (to is None) != (action != "start"):
        raise typer.BadParameter("start takes --to FOLDER, the others do not")
    asked = Migration(max_gap=max_gap, mark=mark, least=least, window_ms=round(1000 * window_s))
    told = asyncio.run(_done(action, redis_url, model, to, asked))
    typer.echo(json.dumps(told._asdict()) if as_json else _said(told))


async def _done(
    action: Action, redis_url: str, model: str, to: Path | None, asked: Migration
) -> Migration:
    client = connect(redis_url)
    try:
        board = MigrationBoard(client, model)
        held = await board.read()
        if action != "status":
            await _change(board, held, _wanted(action, held, model, to, asked))
        return await board.read()
    finally:
        await client.aclose()


def _wanted(
    action: Action, held: Migration, model: str, to: Path | None, asked: Migration
) -> Migration:
    """Raises MigrationRefused, ServingFolderInvalid."""
    if to is not None:
        return _started(held, model, to, asked)
    if action == "abort":
        if not held.coming:
            raise MigrationRefused("no student is to follow: there is nothing to give up")
        return held.given_up("given up by hand")
    if not held.serving and not held.previous:
        raise MigrationRefused("nothing was ever switched: there is no way back")
    back = held._replace(serving=held.previous, previous=held.serving, coming="")
    return back._replace(reason="back by hand")


def _started(held: Migration, model: str, to: Path, asked: Migration) -> Migration:
    serving = open_serving_folder(to)
    name = read_manifest(serving.student)[0].name
    if name != model:
        raise MigrationRefused(f"{to} holds the model {name}, not {model}: give --model {name}")
    if held.coming:
        raise MigrationRefused(f"{held.coming} is to follow already: abort that first")
    if str(serving.path) == held.serving:
        raise MigrationRefused(f"{held.serving} is served already")
    return asked._replace(
        serving=held.serving,
        previous=held.previous,
        coming=str(serving.path),
        reason="started by hand",
    )


async def _change(board: MigrationBoard, held: Migration, wanted: Migration) -> None:
    if not await board.replace(held, wanted):
        raise MigrationRefused("the state has just changed: look at it, and try again")


def _said(told: Migration) -> str:
    since = datetime.fromtimestamp(told.since_ms / 1000, UTC).isoformat(timespec="seconds")
    lines = {
        "serving": told.serving or "what each gateway was started with",
        "to follow": told.coming or "nobody",
        "before": told.previous or "what each gateway was started with",
        "since": f"{since}, {told.reason}" if told.revision else "never changed",
    }
    if told.coming:
        lines["switches at"] = (
            f"a gap of {told.max_gap:g} and a coverage of {told.mark:g}, in a window of "
            f"{told.window_ms / 1000:g} s with {told.least:,} candidates or more"
        )
    return "\n".join(f"{name:<12} {value}" for name, value in lines.items())
