"""Coverage and useful work against compute: a line a policy, a mark a budget."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.simulation.experiment import Point
from models.suites.svg import save_svg

SHOWN: Final = {"coverage": "coverage", "useful": "useful work"}
SIZE_IN: Final = (8.0, 4.0)


def draw(points: Sequence[Point], path: Path) -> None:
    figure = Figure(figsize=SIZE_IN, layout="constrained")
    axes = figure.subplots(1, len(SHOWN))
    for (field, label), axis in zip(SHOWN.items(), axes, strict=True):
        for name in dict.fromkeys(point.policy for point in points):
            _line(axis, field, name, [point for point in points if point.policy == name])
        axis.set_xlabel("compute, thousand pairs")
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0.0)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    save_svg(figure, path)


def _line(axis: Axes, field: str, name: str, points: Sequence[Point]) -> None:
    """Means over seeds; bars are one standard deviation."""
    places = sorted({point.place for point in points})
    groups = [[point for point in points if point.place == place] for place in places]
    cost = [np.mean([point.outcome.counts.cost for point in group]) / 1000.0 for group in groups]
    values = [
        np.array([getattr(point.outcome.figures, field) for point in group]) for group in groups
    ]
    spread = [value.std(ddof=1) if len(value) > 1 else 0.0 for value in values]
    axis.errorbar(
        cost, [value.mean() for value in values], yerr=spread, fmt="o-", capsize=3, label=name
    )
