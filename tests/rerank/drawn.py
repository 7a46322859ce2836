"""Relevance against distance: a line a rerank, a mark a strength."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.suites.svg import save_svg
from tests.rerank.measures import Measures

SHOWN: Final = {"distance": "ILAD of the embeddings", "kinds": "mean distance of the kinds"}
SIZE_IN: Final = (9.0, 4.0)

Found = Mapping[tuple[str, float], Sequence[Measures]]


def draw(found: Found, path: Path) -> None:
    figure = Figure(figsize=SIZE_IN, layout="constrained")
    axes = figure.subplots(1, len(SHOWN), sharey=True)
    for (field, label), axis in zip(SHOWN.items(), axes, strict=True):
        for name in dict.fromkeys(name for name, _ in found):
            _line(axis, field, name, found)
        axis.set_xlabel(label)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("NDCG@10 of clicks")
    axes[0].legend(fontsize=8)
    save_svg(figure, path)


def _line(axis: Axes, field: str, name: str, found: Found) -> None:
    """Means over seeds; bars are one standard deviation."""
    across, up = (
        np.array([[getattr(each, of) for each in found[key]] for key in found if key[0] == name])
        for of in (field, "ndcg")
    )
    spread = up.std(axis=1, ddof=1) if up.shape[1] > 1 else None
    axis.errorbar(
        across.mean(axis=1), up.mean(axis=1), yerr=spread, fmt="o-", capsize=2, ms=4, label=name
    )
