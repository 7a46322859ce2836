"""The plot of a migration: coverage of the answers by version, and of the space to come."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from models.suites.svg import save_svg
from tests.migration.traffic import Told


class Seen(NamedTuple):
    at_s: float
    coverage: float  # of the space to come, among mirrored requests


def draw(path: Path, told: Sequence[Told], seen: Sequence[Seen], marks: dict[str, float]) -> None:
    figure = Figure(figsize=(8.0, 3.5), layout="constrained")
    axis = figure.subplots()
    for number, version in enumerate(dict.fromkeys(answer.version for answer in told)):
        times, shares = binned([answer for answer in told if answer.version == version], 1.0)
        axis.plot(times, shares, label=f"answers of student {'AB'[number]}")
    axis.plot(*zip(*seen, strict=True), "--", label="space of B, while A answers")
    for name, at_s in marks.items():
        axis.axvline(at_s, color="grey", linewidth=0.8)
        axis.text(at_s, 0.02, f" {name}", fontsize=8)
    axis.set(xlabel="s", ylabel="coverage by pairs", ylim=(0, 1.02))
    axis.grid(alpha=0.3)
    axis.legend(loc="center right")
    save_svg(figure, path)


def binned(told: Sequence[Told], width_s: float) -> tuple[list[float], list[float]]:
    """Middles of the bins, and mean coverage; bins with few answers are left out."""
    places = np.array([int(answer.at_s / width_s) for answer in told])
    pairs = np.array([answer.pair for answer in told])
    found, counts = np.unique(places, return_counts=True)
    whole = found[counts >= counts.max() / 2]
    return ((whole + 0.5) * width_s).tolist(), [
        float(pairs[places == each].mean()) for each in whole
    ]
