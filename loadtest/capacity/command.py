"""`understudy loadtest capacity`: the highest rate that holds a budget."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from loadtest import options as given
from loadtest.capacity.ceiling import Capacity, Search, spread
from loadtest.capacity.trials import trials
from loadtest.errors import LoadInvalid
from loadtest.hardware import hardware
from loadtest.json_file import write_json
from loadtest.run.budget import read_budget
from loadtest.run.plan import Options
from loadtest.run.stacks import requests_of, target
from loadtest.run.verdict import Exit

JSON = "capacity.json"


def capacity(
    scenario: given.ScenarioName = "steady",
    url: given.Url = None,
    up: given.Up = None,
    start: Annotated[float, typer.Option(min=0.1, help="Where the search begins, a second.")] = 50,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of a trial.")] = 10.0,
    within: Annotated[float, typer.Option(min=0.005, max=0.5, help="Share to stop at.")] = 0.05,
    repeat: Annotated[int, typer.Option(min=1, max=10, help="Searches, one after another.")] = 1,
    requests: given.Requests = None,
    wire: given.WireName = "json",
    key_file: given.KeyFile = None,
    seed: given.Seed = 7,
    budget: given.BudgetFile = None,
    limits: given.Limits = None,
    out: given.Out = None,
    as_json: given.AsJson = False,
) -> None:
    """Find the highest rate that holds a budget, by bisection, confirmed by a longer trial.

    Ends with 1 when no rate held, 3 when the generator was the limit."""
    limited, console = read_budget(budget, limits or ()), Console(stderr=True)
    if limited is None:
        raise LoadInvalid("capacity is the rate that holds a budget: give --budget or --limit")
    options = Options(
        scenario, start, seconds, requests_of(requests, up), wire=wire, key_file=key_file, seed=seed
    )
    with target(url, up, out) as aim:
        attempt = trials(aim.url, options, limited, lambda words: console.print(words))
        found = [Search(attempt, within).run(start) for _ in range(repeat)]
    told = {**as_report(found), "hardware": hardware(), "budget": limited.model_dump()}
    _tell(told, out, as_json)
    raise typer.Exit(told["exit_code"])


def as_report(found: list[Capacity]) -> dict[str, Any]:
    rates = [one.rate for one in found if one.rate is not None]
    is_complete = len(rates) == len(found)
    is_generators = any(one.is_generators for one in found)
    broken_or_held = Exit.HELD if is_complete else Exit.BROKEN
    return {
        "rates": [one.rate for one in found],
        "spread": spread(rates) if rates else None,
        "generator_is_the_limit": is_generators,
        "searches": [[trial._asdict() for trial in one.trials] for one in found],
        "exit_code": int(Exit.INVALID if is_generators else broken_or_held),
    }


def _tell(told: dict[str, Any], out: Path | None, as_json: bool) -> None:
    if out is not None:
        write_json(out / JSON, told)
    if as_json:
        typer.echo(json.dumps(told))
        return
    rates = ", ".join("none held" if rate is None else f"{rate:.1f}/s" for rate in told["rates"])
    typer.echo(f"capacity  {rates}")
    if len(told["rates"]) > 1 and told["spread"] is not None:
        typer.echo(f"spread    {told['spread']:.1%} between searches")
    if told["generator_is_the_limit"]:
        typer.echo("the generator could not send more: the gateway may hold a higher rate")
