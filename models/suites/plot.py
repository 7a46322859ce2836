"""A suite's tables as one picture: log loss by variant, with the spread over seeds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib import rc_context
from matplotlib.figure import Figure

from models.suites.table import Cell, Table

COLUMN: Final = "log loss"
WIDTH_IN: Final = 8.0
ROW_IN: Final = 0.28


def draw(tables: Sequence[Table], path: Path) -> None:
    """SVG without a date, so that the same figures give the same file."""
    shown = [table for table in tables if COLUMN in table.columns]
    rows = sum(len(table.rows) + 2 for table in shown)
    figure = Figure(figsize=(WIDTH_IN, ROW_IN * rows + 0.5), layout="constrained")
    heights = [len(table.rows) for table in shown]
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)[:, 0]
    for table, axis in zip(shown, axes, strict=True):
        names, cells = _points(table)
        spread = [cell.sd or 0.0 for cell in cells]
        places = range(len(names))
        axis.errorbar([cell.mean for cell in cells], places, xerr=spread, fmt="o", capsize=3)
        axis.set_yticks(places, names)
        axis.invert_yaxis()
        axis.grid(axis="x", alpha=0.3)
        axis.set_title(table.title, fontsize=9)
        axis.set_xlabel(f"{COLUMN} (less is better)")
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": "understudy"}):
        figure.savefig(path, metadata={"Date": None, "Creator": None})


def _points(table: Table) -> tuple[list[str], list[Cell]]:
    place = list(table.columns).index(COLUMN)
    cells = [(str(row[0]), row[place]) for row in table.rows]
    found = [(name, cell) for name, cell in cells if isinstance(cell, Cell)]
    return [name for name, _ in found], [cell for _, cell in found]
