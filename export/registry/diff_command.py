"""`understudy bundle diff`."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from export.registry.comparison import Row, compare
from export.registry.latency import Compared, measure, sides
from export.registry.options import AsJson, RegistryUrlIfAny
from export.registry.sources import described
from export.registry.tables import diff_tables, is_headline, latency_table
from models.manifest import Bundle
from models.runtime import load

Subject = Annotated[str, typer.Argument(help="FOLDER, NAME or NAME-VERSION.")]


def diff(
    a: Subject,
    b: Subject,
    registry: RegistryUrlIfAny = None,
    is_measured: Annotated[
        bool, typer.Option("--measure", help="Load both, and run their golden batches in turn.")
    ] = False,
    runs: Annotated[int, typer.Option(min=10, max=100_000, help="Of each, to measure.")] = 300,
    shows_all: Annotated[bool, typer.Option("--all", help="What is alike too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set two bundles side by side.

    Schema, space, tasks, calibration, quality at each coverage, parity, costs and sizes; with
    --measure, latency too."""
    with described(a, registry) as of_a, described(b, registry) as of_b:
        rows = compare(of_a, of_b)
        compared = _measured(of_a, of_b, runs) if is_measured else None
    if as_json:
        typer.echo(json.dumps(_facts(of_a, of_b, rows, compared)))
        return
    console = Console()
    shown = [row for row in rows if shows_all or (is_headline(row) and not row.is_alike)]
    console.print(f"a: {of_a}\nb: {of_b}", highlight=False)
    for table in diff_tables(shown):
        console.print(table)
    console.print(f"{sum(row.is_alike for row in rows)} of {len(rows)} fields are alike")
    if compared is not None:
        console.print(latency_table(compared))


def _measured(a: Bundle, b: Bundle, runs: int) -> Compared:
    """Golden answers are checked on the way, as by a gateway. Raises BundleError."""
    model_a, model_b = load(a.folder), load(b.folder)
    return measure(*sides(a, b, model_a.run, model_b.run), runs)


def _facts(a: Bundle, b: Bundle, rows: list[Row], compared: Compared | None) -> dict[str, Any]:
    return {
        "a": str(a),
        "b": str(b),
        "fields": [row._asdict() for row in rows],
        "latency": None if compared is None else _latency(compared),
    }


def _latency(compared: Compared) -> dict[str, Any]:
    return {
        "runs": compared.runs,
        "a": compared.a._asdict(),
        "b": compared.b._asdict(),
        "p50_b_over_a": compared.ratio_p50,
        "p99_b_over_a": compared.ratio_p99,
    }
