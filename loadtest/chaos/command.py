"""`understudy loadtest chaos`: harm done to a gateway of our own while it is loaded."""

import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from loadtest import options as given
from loadtest.chaos import report, table
from loadtest.chaos.matrix import TRIES, Limits, run_all
from loadtest.chaos.scenario import built_in, chosen
from loadtest.chaos.trial import Plan
from loadtest.chaos.verdict import P99_MS, exit_code, outcome
from loadtest.hardware import hardware
from loadtest.json_file import finite
from loadtest.marked import fill
from loadtest.run.payloads import bodies, source_of
from loadtest.run.stacks import requests_of

MARK: Final = "chaos"
DISTINCT: Final = 400
"""Most requests that a scenario sends in turn."""

app = typer.Typer(no_args_is_help=True, help="Do harm to a gateway of our own, under load.")


@app.command("list")
def list_them() -> None:
    """List the scenarios: what is done, and when, in shares of the time."""
    listed = Table("scenario", "what it shows", "what is done", "needs")
    for chaos in built_in().values():
        done = "\n".join(_timed(harm.words, harm.begins, harm.until) for harm in chaos.harms)
        needs = "--up --to" if chaos.needs_student else "--up"
        listed.add_row(chaos.name, chaos.about, done, needs)
    Console().print(listed)


def _timed(words: str, begins: float, until: float | None) -> str:
    return f"{words}, at {begins:g}" + ("" if until is None else f" to {until:g}")


@app.command()
def run(
    names: Annotated[list[str], typer.Argument(help="Of scenarios, or `all`.")],
    up: Annotated[Path, typer.Option(help="Serving folder or demo to start afresh.")],
    to: Annotated[Path | None, typer.Option(help="Student that rollouts bring.")] = None,
    rate: given.Rate = 30.0,
    seconds: given.Seconds = None,
    requests: given.Requests = None,
    seed: given.Seed = 7,
    p99_ms: Annotated[
        float, typer.Option(min=0.1, help="Budget of p99 while nothing is harmed.")
    ] = P99_MS,
    tries: Annotated[
        int, typer.Option(min=1, help="Runs of a scenario that was late; a failure counts at once.")
    ] = TRIES,
    out: Annotated[Path | None, typer.Option(help="Folder for chaos.html and chaos.json.")] = None,
    write: Annotated[
        Path | None, typer.Option(help="Page whose table between the chaos marks is filled.")
    ] = None,
    as_json: given.AsJson = False,
) -> None:
    """Do the harm of each scenario to an `understudy up` of our own, under load.

    Ends with 0 when everything held, 1 when something broke, 3 when something could not be told."""
    plan = Plan(bodies(source_of(requests_of(requests, up)), None, DISTINCT, seed), rate, seconds)
    console = Console(stderr=True)
    began_s = time.monotonic()
    scenarios = run_all(
        chosen(names),
        up,
        to and to.resolve(),
        plan,
        Limits(p99_ms, tries),
        lambda told: _say(told, console),
    )
    told = {**_facts(scenarios, rate), "took_s": time.monotonic() - began_s}
    if out is not None:
        report.write(out, told)
    if write is not None:
        text = table.markdown(scenarios, told["command"], told["date"], told["hardware"])
        fill(write, MARK, text)
    if as_json:
        typer.echo(json.dumps(finite(told)))
    else:
        Console().print(table.shown(scenarios))
    raise typer.Exit(exit_code(scenarios))


def _say(told: dict[str, Any], console: Console) -> None:
    console.print(f"{told['name']:<28} {table.verdict(told)}", highlight=False, soft_wrap=True)


def _facts(scenarios: Sequence[dict[str, Any]], rate: float) -> dict[str, Any]:
    return {
        "command": f"understudy {shlex.join(sys.argv[1:])}",
        "date": time.strftime("%Y-%m-%d"),
        "hardware": hardware(),
        "rate": rate,
        "held": sum(outcome(told) == "held" for told in scenarios),
        "ran": sum(not told["skipped"] for told in scenarios),
        "scenarios": scenarios,
    }
