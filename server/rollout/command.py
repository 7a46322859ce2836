"""`understudy rollout`: a new student on live traffic, step by step, and back."""

import asyncio
import getpass
import json
import os
import platform
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Literal, TypeVar

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from cache.connection import connect
from cache.refresh.options import RedisUrl
from cache.rollout_board import RolloutBoard
from server.rollout.acts import Asked, perform
from server.rollout.candidate import find_candidate
from server.rollout.facts import facts_of
from server.rollout.history import read_history
from server.rollout.plan import find_plan
from server.rollout.reading import Reading, read_board
from server.rollout.tables import history_table, reading_tables
from server.rollout.watching import watch

EVERY_S: Final = 1.0
Model = Annotated[str, typer.Option(help="Name of the model that is served.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print for machines.")]
Reason = Annotated[str, typer.Option(help="Stands in the history.")]
By = Annotated[str | None, typer.Option(help="Who asks.  [default: user@machine]")]
Revision = Annotated[
    int | None, typer.Option(min=0, help="Refused where it is another one by now.")
]
Told = TypeVar("Told")

app = typer.Typer(
    no_args_is_help=True, help="Try a new student on live traffic, step by step, and back."
)


@app.command()
def start(
    redis_url: RedisUrl,
    to: Annotated[
        str,
        typer.Option(help="Serving folder, at this path on every gateway; or NAME-VERSION."),
    ],
    plan: Annotated[str, typer.Option(help="TOML file; or `default`, or `direct`.")] = "default",
    registry: Annotated[
        str | None,
        typer.Option(envvar="UNDERSTUDY_REGISTRY", help="Where NAME-VERSION is looked up."),
    ] = None,
    model: Model = "student",
    reason: Reason = "",
    by: By = None,
    revision: Revision = None,
    as_json: AsJson = False,
) -> None:
    """Let a student follow: verified, shadowed, then on growing shares of the traffic.

    `--plan direct` asks for no statistics: as soon as its space is filled, all of it."""
    found, how = find_candidate(to, registry), find_plan(plan)
    asked = Asked("start", by or _caller(), reason, found, how, revision=revision)
    _perform(redis_url, model, asked, as_json)


@app.command()
def status(redis_url: RedisUrl, model: Model = "student", as_json: AsJson = False) -> None:
    """Tell stage, figures and gateways."""
    _print(model, _run(redis_url, model, read_board), as_json)


@app.command("watch")
def watch_it(redis_url: RedisUrl, model: Model = "student", as_json: AsJson = False) -> None:
    """Follow a rollout until it ends: exit code 0 when it is done, 1 when it was rolled back."""
    watching = _watch_lines if as_json else _watch_table
    ended = _run(redis_url, model, watching)
    raise typer.Exit(0 if ended == "done" else 1)


def _plain(act: Literal["pause", "resume", "abort"]) -> Callable[..., None]:
    """The command of an act that asks for nothing more."""

    def command(
        redis_url: RedisUrl,
        model: Model = "student",
        reason: Reason = "",
        by: By = None,
        revision: Revision = None,
        as_json: AsJson = False,
    ) -> None:
        asked = Asked(act, by or _caller(), reason, revision=revision)
        _perform(redis_url, model, asked, as_json)

    return command


app.command("pause", help="Stay at this stage and share. Failures and limits still roll back.")(
    _plain("pause")
)


app.command("resume", help="Go on. The time of this step begins again.")(_plain("resume"))


@app.command()
def promote(
    redis_url: RedisUrl,
    is_to_the_end: Annotated[bool, typer.Option("--all", help="To all of the traffic.")] = False,
    model: Model = "student",
    reason: Reason = "",
    by: By = None,
    revision: Revision = None,
    as_json: AsJson = False,
) -> None:
    """Take the next step now, whatever is proven."""
    who = by or _caller()
    asked = Asked("promote", who, reason, is_to_the_end=is_to_the_end, revision=revision)
    _perform(redis_url, model, asked, as_json)


app.command("abort", help="Roll back; shortly after the last step, to the student before.")(
    _plain("abort")
)


@app.command()
def history(
    redis_url: RedisUrl,
    count: Annotated[int, typer.Option(min=1, max=1000, help="The newest so many.")] = 20,
    model: Model = "student",
    as_json: AsJson = False,
) -> None:
    """List who changed what, when and why."""
    told = _run(redis_url, model, lambda board: board.history(count))
    if as_json:
        for _, body in told:
            typer.echo(body.decode())
        return
    Console().print(history_table(read_history(told)))


def _perform(redis_url: str, model: str, asked: Asked, as_json: bool) -> None:
    async def act(board: RolloutBoard) -> Reading:
        await perform(board, asked)
        return await read_board(board)

    _print(model, _run(redis_url, model, act), as_json)


def _print(model: str, reading: Reading, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts_of(model, reading)))
    else:
        Console().print(reading_tables(reading))


async def _watch_lines(board: RolloutBoard) -> str:
    """A line for each change."""
    seen: set[int] = set()

    def show(reading: Reading) -> None:
        if reading.held.revision not in seen:
            seen.add(reading.held.revision)
            typer.echo(json.dumps(facts_of(board.model, reading)))

    ended = await watch(board, show, lambda error: typer.echo(str(error), err=True), EVERY_S)
    return ended.stage


async def _watch_table(board: RolloutBoard) -> str:
    with Live(console=Console(), auto_refresh=False) as live:
        ended = await watch(
            board,
            lambda reading: live.update(reading_tables(reading), refresh=True),
            lambda error: live.update(Text(str(error)), refresh=True),
            EVERY_S,
        )
    return ended.stage


def _run(redis_url: str, model: str, ask: Callable[[RolloutBoard], Awaitable[Told]]) -> Told:
    async def run() -> Told:
        client = connect(redis_url)
        try:
            return await ask(RolloutBoard(client, model))
        finally:
            await client.aclose()

    return asyncio.run(run())


def _caller() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = f"uid-{os.getuid()}"
    return f"{user}@{platform.node()}"
