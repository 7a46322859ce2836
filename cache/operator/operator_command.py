"""`understudy cache`: look into the cache, or drop what no student reads any more."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal, NamedTuple

import typer
from redis.asyncio import Redis
from rich.console import Console, RenderableType
from rich.progress import Progress

from cache.clock import wall_clock_ms
from cache.connection import connect
from cache.operator.forgetting import forget_user
from cache.operator.page_sample import SAMPLE
from cache.operator.server_report import server_report
from cache.operator.space_removal import check_meant, drop_space
from cache.operator.space_scan import scan_space, scan_spaces
from cache.operator.tables import server_tables, spaces_table, user_tables
from cache.operator.user_report import user_report
from cache.refresh.options import RedisUrl

Action = Literal["status", "spaces", "inspect", "forget", "drop-space"]
SUBJECTS: Final = {"inspect": "USER", "forget": "USER", "drop-space": "SPACE"}
ANSWER_MS: Final = 30_000.0
"""Nobody waits for this command within a budget, and a busy server may take its time."""


class Answer(NamedTuple):
    facts: dict[str, Any]  # for --json
    shown: Sequence[RenderableType]


def operate(
    action: Annotated[Action, typer.Argument(help="What to do.")],
    redis_url: RedisUrl,
    subject: Annotated[
        str | None, typer.Argument(help="USER of inspect and forget, SPACE of drop-space.")
    ] = None,
    is_confirmed: Annotated[
        bool, typer.Option("--yes", help="Delete; without it what would go is said.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Look into the cache: streams and memory (status), embedding spaces (spaces), one user
    (inspect USER); or delete one user (forget USER), or all pages and the demand of one space
    (drop-space SPACE)."""
    wanted = SUBJECTS.get(action)
    if (subject is None) != (wanted is None):
        raise typer.BadParameter(f"{action} takes {f'a {wanted}' if wanted else 'nothing more'}")
    answer = asyncio.run(_answer(action, redis_url, subject or "", is_confirmed))
    if as_json:
        typer.echo(json.dumps(answer.facts))
        return
    for table in answer.shown:
        Console().print(table)


async def _answer(action: Action, redis_url: str, subject: str, is_confirmed: bool) -> Answer:
    client = connect(redis_url, answer_ms=ANSWER_MS)
    try:
        match action:
            case "status":
                return await _status(client)
            case "spaces":
                return await _spaces(client)
            case "inspect":
                return await _inspect(client, subject)
            case "forget":
                return await _forget(client, subject, is_confirmed)
            case "drop-space":
                return await _drop(client, subject, is_confirmed)
    finally:
        await client.aclose()


async def _status(client: Redis) -> Answer:
    report = await server_report(client)
    return Answer(asdict(report), server_tables(report))


async def _spaces(client: Redis) -> Answer:
    with _progress("finding pages") as found:
        spaces = await scan_spaces(client, found)
    facts = {"sampled_at_most": SAMPLE, "spaces": [asdict(space) for space in spaces]}
    return Answer(facts, [spaces_table(spaces, wall_clock_ms())])


async def _inspect(client: Redis, user_id: str) -> Answer:
    now_ms = wall_clock_ms()
    report = await user_report(client, user_id, now_ms)
    return Answer({"at_ms": now_ms} | asdict(report), user_tables(report, now_ms))


async def _forget(client: Redis, user_id: str, is_confirmed: bool) -> Answer:
    gone = await forget_user(client, user_id, is_confirmed=is_confirmed)
    return Answer(asdict(gone), [f"{gone.keys} keys are gone"])


async def _drop(client: Redis, space: str, is_confirmed: bool) -> Answer:
    with _progress("finding pages") as found:
        report = await scan_space(client, space, found)
    check_meant(report, is_confirmed)
    with _progress("deleting pages", report.pages) as dropped:
        removal = await drop_space(client, space, dropped)
    said = f"{removal.pages:,} pages and {removal.demand_messages:,} messages of demand are gone"
    return Answer(asdict(removal), [said])


@contextmanager
def _progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """On stderr, where somebody watches."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)
