"""What a generator costs and how late it is: one process, then locust's workers, on one server.

python -m tests.loadtest.measure_generators
"""

import json
from typing import Annotated, Any

import typer
from typer.testing import CliRunner

from loadtest.command import app as commands
from tests.loadtest.measure_compare import spinning

HEAD = "| generator | CPU a request, µs | lag p50, ms | lag p99, ms |"
WAYS = {"one process": 0, "locust, 1 worker": 1, "locust, 2 workers": 2}


def measure(
    rate: Annotated[float, typer.Option(min=1)] = 400.0,
    seconds: Annotated[float, typer.Option(min=1)] = 12.0,
) -> None:
    typer.echo(f"{HEAD}\n|---|---|---|---|")
    with spinning(0.3) as url:
        for name, processes in WAYS.items():
            words = ["--rate", str(rate), "--seconds", str(seconds)]
            words += ["--processes", str(processes), "--url", url, "--json"]
            told = json.loads(CliRunner().invoke(commands, ["run", "steady", *words]).stdout)
            typer.echo(f"| {name} | {_cells(told)} |")


def _cells(told: dict[str, Any]) -> str:
    generator, lag = told["generator"], told["generator"]["lag_ms"]
    return f"{generator['cpu_us_a_request']:.0f} | {lag['p50']:.1f} | {lag['p99']:.1f}"


if __name__ == "__main__":
    typer.run(measure)
