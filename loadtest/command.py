"""`understudy loadtest`: what a gateway holds, before the traffic says so."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from loadtest.capacity.command import capacity
from loadtest.chaos.command import app as chaos
from loadtest.compare.command import compare
from loadtest.run import printing
from loadtest.run import report as reports
from loadtest.run.command import run
from loadtest.run.scenario import as_toml, built_in

app = typer.Typer(no_args_is_help=True, help="Load a gateway, and hold it against a budget.")
app.command()(run)
app.command()(capacity)
app.command()(compare)
app.add_typer(chaos, name="chaos")


@app.command()
def scenarios(
    name: Annotated[str | None, typer.Argument(help="Print this one as TOML.")] = None,
) -> None:
    """List the scenarios, or print one as a file to start your own from."""
    if name is not None:
        typer.echo(as_toml(name))
        return
    table = Table("scenario", "what it shows", "needs")
    for scenario in built_in().values():
        needs = "--up" + (" --to" if scenario.rollout else "") if scenario.needs_processes else ""
        table.add_row(scenario.name, scenario.about, needs)
    Console().print(table)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Where `loadtest run --out` left report.json.")],
) -> None:
    """Write report.html again from report.json, and print it."""
    told = reports.read(folder)
    reports.write(folder, told)
    printing.show(told, Console())


@app.command()
def worker(
    master: Annotated[str, typer.Option(help="HOST:PORT of `loadtest run --expect`.")],
    requests: Annotated[str, typer.Option(help="replay.jsonl on this host, or `seed`.")] = "seed",
    key_file: Annotated[Path | None, typer.Option(help="Holds a key that may rank.")] = None,
) -> None:
    """Send a part of another host's run, as a worker of locust."""
    from loadtest.distributed.master import work

    raise typer.Exit(work(master, requests, key_file))
