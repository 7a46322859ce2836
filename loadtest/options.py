"""Options that several of the load-testing commands share."""

from pathlib import Path
from typing import Annotated

import typer

ScenarioName = Annotated[str, typer.Argument(help="Built-in scenario, or a .toml file.")]
Url = Annotated[str | None, typer.Option(help="Of a gateway that runs, plain HTTP.")]
Up = Annotated[Path | None, typer.Option(help="Serving folder or demo to start afresh.")]
Rate = Annotated[float, typer.Option(min=0.01, help="Requests a second where the profile is 1.")]
Seconds = Annotated[float | None, typer.Option(min=0.1, help="[default: the scenario's]")]
Requests = Annotated[
    str | None,
    typer.Option(help="replay.jsonl of `understudy export`, or `seed`.  [default: that of --up]"),
]
Arrivals = Annotated[str, typer.Option(help="`poisson`, or `log`: the log's times, compressed.")]
Closed = Annotated[
    int, typer.Option(min=0, help="Callers who ask again at once, in place of a rate.")
]
WireName = Annotated[str, typer.Option(help="json or msgpack.")]
KeyFile = Annotated[Path | None, typer.Option(help="Holds a key that may rank.")]
Seed = Annotated[int, typer.Option(help="Of arrivals and seeded requests.")]
BudgetFile = Annotated[Path | None, typer.Option(help="TOML file of limits.")]
Limits = Annotated[
    list[str] | None, typer.Option("--limit", help="One line of a budget, such as p99_ms=50.")
]
Out = Annotated[Path | None, typer.Option(help="Folder for report.html and report.json.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result for machines.")]
