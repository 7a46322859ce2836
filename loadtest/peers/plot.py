"""Each server's share of the raw loop, a panel a size."""

from pathlib import Path
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.peers.report import OWN, TITLES, Report

OURS: Final = "#2a9d8f"
OTHERS: Final = "#9aa0a6"
STYLE: Final[Any] = {"svg.hashsalt": "understudy", "svg.fonttype": "none", "font.size": 8}


def draw(report: Report, path: Path) -> None:
    """The same file whenever it is drawn of the same figures."""
    every = {name: report.get(name, {}).get("sizes", {}) for name in TITLES}
    measured = {name: held for name, held in every.items() if held}
    sizes = sorted({int(size) for held in measured.values() for size in held})
    if not sizes:
        return
    height = 1.0 + 0.25 * len(measured)
    figure = Figure(figsize=(2.2 + 2.0 * len(sizes), height), layout="constrained")
    panels = figure.subplots(1, len(sizes), sharex=True, sharey=True, squeeze=False)[0]
    for axes, size in zip(panels, sizes, strict=True):
        _panel(axes, size, {name: held.get(str(size)) for name, held in measured.items()})
    figure.supxlabel("requests/s at p99 ≤ 25 ms ÷ the raw loop's")
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context(STYLE):
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def _panel(axes: Axes, size: int, measured: dict[str, Any]) -> None:
    shares = [at["share"] if at else 0.0 for at in measured.values()]
    colours = [OURS if name in OWN else OTHERS for name in measured]
    bars = axes.barh(list(measured), shares, color=colours)
    axes.bar_label(bars, fmt="%.2f", padding=2)
    axes.set(title=f"N = {size}", xlim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    if not axes.yaxis_inverted():  # shared by all panels
        axes.invert_yaxis()
