"""A suite's tables as one picture: log loss by variant, or NE against compute by family.

With the spread over seeds.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.suites.svg import save_svg
from models.suites.table import Cell, Table

COLUMN: Final = "log loss"
COMPUTE: Final = "training TFLOPs"
ENTROPY: Final = "NE"
WIDTH_IN: Final = 8.0
ROW_IN: Final = 0.28


def draw(tables: Sequence[Table], path: Path) -> None:
    shown = [table for table in tables if COLUMN in table.columns]
    rows = sum(len(table.rows) + 2 for table in shown)
    figure = Figure(figsize=(WIDTH_IN, ROW_IN * rows + 0.5), layout="constrained")
    heights = [len(table.rows) for table in shown]
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)[:, 0]
    for table, axis in zip(shown, axes, strict=True):
        _curves(table, axis) if COMPUTE in table.columns else _variants(table, axis)
        axis.set_title(table.title, fontsize=9)
    save_svg(figure, path)


def _variants(table: Table, axis: Axes) -> None:
    points = _points(table, COLUMN)
    places = range(len(points))
    means, spread = _figures(points)
    axis.errorbar(means, places, xerr=spread, fmt="o", capsize=3)
    axis.set_yticks(places, list(points))
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.3)
    axis.set_xlabel(f"{COLUMN} (less is better)")


def _curves(table: Table, axis: Axes) -> None:
    """A line a family: rows are named `family size`, smallest first."""
    compute, entropy = _points(table, COMPUTE), _points(table, ENTROPY)
    for family in dict.fromkeys(name.rsplit(" ", 1)[0] for name in entropy):
        names = [name for name in entropy if name.startswith(f"{family} ")]
        means, spread = _figures({name: entropy[name] for name in names})
        flops = [compute[name].mean for name in names]
        axis.errorbar(flops, means, yerr=spread, fmt="o-", capsize=3, label=family)
    axis.set_xscale("log")
    axis.grid(alpha=0.3)
    axis.legend()
    axis.set_xlabel(COMPUTE)
    axis.set_ylabel(f"{ENTROPY} (less is better)")


def _figures(points: Mapping[str, Cell]) -> tuple[list[float], list[float]]:
    """Means and spreads."""
    cells = points.values()
    return [cell.mean for cell in cells], [cell.sd or 0.0 for cell in cells]


def _points(table: Table, column: str) -> dict[str, Cell]:
    """By row, where it has a figure."""
    place = list(table.columns).index(column)
    cells = {str(row[0]): row[place] for row in table.rows}
    return {name: cell for name, cell in cells.items() if isinstance(cell, Cell)}
