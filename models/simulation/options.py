"""Options of `understudy simulate`."""

from pathlib import Path
from typing import Annotated

import typer

from models.simulation.experiment import NAMES

Run = Annotated[
    Path | None, typer.Option(help="A run folder: its log from validation on, its student.")
]
Data = Annotated[str | None, typer.Option(help="A log, as `understudy import --data` takes it.")]
Policies = Annotated[
    list[str] | None, typer.Option("--policy", metavar="|".join(NAMES), help="Default: all.")
]
Budgets = Annotated[
    list[str] | None,
    typer.Option("--budget", help="Pairs a second; auto: where demand-only covers --aim."),
]
Aim = Annotated[float, typer.Option(help="Coverage that --budget auto looks for.")]
Seeds = Annotated[int, typer.Option(min=1, help="Seeds, from 0.")]
Users = Annotated[float, typer.Option(help="Share of the users that a seed draws.")]
SoftTtl = Annotated[float, typer.Option(help="An entry is fresh until then.")]
HardTtl = Annotated[float, typer.Option(help="An entry is of use until then.")]
Capacity = Annotated[int, typer.Option(min=1, help="Entries kept a user.")]
WarmUp = Annotated[float, typer.Option(help="Share of the requests that no figure counts.")]
Pages = Annotated[Path | None, typer.Option("--write", help="Folder for a page with a plot.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
