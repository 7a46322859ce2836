"""`understudy simulate`."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable

from models.simulation import options
from models.simulation.experiment import NAMES, Setting, points
from models.simulation.page import Heading, write_page
from models.simulation.source import Source, source_of_data, source_of_run
from models.simulation.tables import tables
from models.suites.table import Cell, Table

AUTO: Final = "auto"


def simulate(
    run: options.Run = None,
    data: options.Data = None,
    policies: options.Policies = None,
    budgets: options.Budgets = None,
    aim: options.Aim = 0.4,
    seeds: options.Seeds = 3,
    users: options.Users = 0.8,
    soft_ttl_s: options.SoftTtl = 600.0,
    hard_ttl_s: options.HardTtl = 86_400.0,
    capacity: options.Capacity = 512,
    warm_up: options.WarmUp = 0.5,
    pages: options.Pages = None,
    as_json: options.AsJson = False,
) -> None:
    """Replay a log against policies that choose what the teacher computes next."""
    setting = Setting(
        policies=_named(policies),
        budgets=_budgets(budgets),
        aim=aim,
        seeds=seeds,
        users=users,
        soft_ttl_s=soft_ttl_s,
        hard_ttl_s=hard_ttl_s,
        capacity=capacity,
        warm_up=warm_up,
    )
    began, source = time.process_time(), _source(run, data)
    with Console(stderr=True).status("simulating") as status:
        found = [*points(source.trace, setting, status.update)]
    made = tables(found)
    _tell(made, as_json)
    if pages is not None:
        heading = Heading(source.kind, _command(source, setting), source.provenance, source.lists)
        write_page(pages, heading, made, found, time.process_time() - began)


def _source(run: Path | None, data: str | None) -> Source:
    if run is not None and data is None:
        return source_of_run(run)
    if data is not None and run is None:
        return source_of_data(data)
    raise typer.BadParameter("name a --run or a --data, one of them")


def _named(names: Sequence[str] | None) -> tuple[str, ...]:
    for name in names or ():
        if name not in NAMES:
            raise typer.BadParameter(f"--policy {name}: give one of {', '.join(NAMES)}")
    return tuple(names or NAMES)


def _budgets(words: Sequence[str] | None) -> tuple[float, ...]:
    """None for `auto`."""
    if not words or list(words) == [AUTO]:
        return ()
    try:
        budgets = tuple(float(word) for word in words)
    except ValueError as error:
        raise typer.BadParameter(
            f"--budget {' '.join(words)}: give pairs a second, or {AUTO} alone"
        ) from error
    if not all(0 < budget < float("inf") for budget in budgets):
        raise typer.BadParameter(f"--budget {' '.join(words)}: give finite numbers above 0")
    return budgets


def _command(source: Source, setting: Setting) -> str:
    """What makes the page again."""
    named = () if setting.policies == NAMES else setting.policies
    parts = [
        f"understudy simulate {source.option}",
        *(f"--policy {name}" for name in named),
        *(f"--budget {budget:g}" for budget in setting.budgets),
        *(() if setting.budgets else (f"--budget {AUTO} --aim {setting.aim:g}",)),
        f"--seeds {setting.seeds} --users {setting.users:g}",
        f"--soft-ttl-s {setting.soft_ttl_s:g} --hard-ttl-s {setting.hard_ttl_s:g}",
        f"--capacity {setting.capacity} --warm-up {setting.warm_up:g}",
    ]
    return " ".join(parts)


def _tell(made: Sequence[Table], as_json: bool) -> None:
    console = Console()
    if as_json:
        console.print_json(data=[table.as_json() for table in made])
        return
    for table in made:
        console.print(_shown(table))


def _shown(table: Table) -> RichTable:
    shown = RichTable(title=table.title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    shown.add_column(
        table.columns[0], no_wrap=True, min_width=max(len(str(row[0])) for row in table.rows)
    )
    for column in table.columns[1:]:
        shown.add_column(column, justify="right")
    for row in table.rows:
        shown.add_row(*(_text(cell) for cell in row))
    return shown


def _text(cell: Cell | str) -> str:
    """Without the spread, which the page and JSON have."""
    return f"{cell.mean:.{cell.digits}f}" if isinstance(cell, Cell) else cell
