"""`understudy loadtest run`: one scenario, its report, and an exit code."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from loadtest import options as given
from loadtest.errors import LoadInvalid
from loadtest.event_loop import run as run_loop
from loadtest.run import printing, report
from loadtest.run.arrivals import expected
from loadtest.run.budget import Budget, read_budget
from loadtest.run.engine import execute
from loadtest.run.faults import Staging, check
from loadtest.run.plan import Options, plan
from loadtest.run.progress import shown
from loadtest.run.scenario import find_scenario
from loadtest.run.stacks import Target, requests_of, target

BIND: Final = "127.0.0.1:5557"


def run(
    scenario: given.ScenarioName,
    url: given.Url = None,
    up: given.Up = None,
    rate: given.Rate = 50.0,
    seconds: given.Seconds = None,
    requests: given.Requests = None,
    arrivals: given.Arrivals = "poisson",
    closed: given.Closed = 0,
    wire: given.WireName = "json",
    key_file: given.KeyFile = None,
    seed: given.Seed = 7,
    budget: given.BudgetFile = None,
    limits: given.Limits = None,
    to: Annotated[Path | None, typer.Option(help="Student that a rollout brings.")] = None,
    processes: Annotated[
        int, typer.Option(min=0, help="Workers of locust here; 0: this process alone sends.")
    ] = 0,
    expect: Annotated[
        int, typer.Option(min=0, help="Workers from other hosts (`loadtest worker`) to wait for.")
    ] = 0,
    bind: Annotated[str, typer.Option(help="Where workers find this process.")] = BIND,
    out: given.Out = None,
    as_json: given.AsJson = False,
) -> None:
    """Send a scenario's load and hold it against a budget.

    Ends with 0 when the budget held, 1 when a line of it broke, 3 when the run is invalid."""
    options = Options(
        scenario, rate, seconds, requests_of(requests, up), arrivals, closed, wire, key_file, seed
    )
    limited = read_budget(budget, limits or ())
    with target(url, up, out) as aim:
        staging = Staging(aim.stack, to)
        check(find_scenario(scenario), staging)
        if processes or expect:
            told = _distributed(options, aim, limited, processes, expect, bind)
        else:
            told = _alone(options, aim, staging, limited)
    _tell(told, out, as_json)
    raise typer.Exit(told["exit_code"])


def _alone(
    options: Options, aim: Target, staging: Staging, budget: Budget | None
) -> dict[str, Any]:
    load, console = plan(options), Console(stderr=True)
    with shown(load.scenario.name, load.seconds, console) as watch:
        ran = run_loop(execute(load, aim.url, staging, watch))
    return report.compose(options.facts(load.scenario), aim.url, ran.figures(), budget)


def _distributed(
    options: Options, aim: Target, budget: Budget | None, processes: int, expect: int, bind: str
) -> dict[str, Any]:
    from loadtest.distributed.master import execute as execute_distributed

    scenario = find_scenario(options.scenario)
    if scenario.needs_processes:
        raise LoadInvalid(f"{scenario.name} acts on processes: run it without --processes")
    figures = execute_distributed(options, aim.url, processes, expect, bind).figures()
    seconds = options.seconds or scenario.seconds
    figures["expected_requests"] = expected(scenario.profile, options.rate, seconds)
    return report.compose(options.facts(scenario), aim.url, figures, budget)


def _tell(told: dict[str, Any], out: Path | None, as_json: bool) -> None:
    if out is not None:
        report.write(out, told)
    if as_json:
        typer.echo(json.dumps(told))
        return
    console = Console()
    printing.show(told, console)
    if out is not None:
        console.print(f"report     {out / report.HTML}, {out / report.JSON}", soft_wrap=True)
