"""The report's plots."""

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.demo.tallies import CLIENT, TIERS
from loadtest.svg import BARS, figure, styled

TIER_COLOURS: Final = {
    "pair": "#2a9d8f",
    "neighbour": "#8ab17d",
    "user": "#e9b44c",
    "item": "#b08bbb",
    "none": "#9aa0a6",
}


@styled
def coverage(slices: Sequence[Mapping[str, float]], outage_s: tuple[float, float]) -> Figure:
    drawn, axes = figure()
    times = [part["until_s"] for part in slices]
    shares = [[part[tier] for part in slices] for tier in TIERS]
    axes.stackplot(times, shares, labels=TIERS, colors=[TIER_COLOURS[t] for t in TIERS])
    mark_outage(axes, outage_s)
    axes.set(xlabel="seconds from cold", ylabel="share of candidates", ylim=(0, 1), xlim=(0, None))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return drawn


@styled
def latency(stages: Mapping[str, Mapping[str, float]]) -> Figure:
    drawn, axes = figure()
    names = [name for name in stages if name != CLIENT] + [CLIENT]
    for offset, (percentile, colour) in enumerate(BARS.items()):
        heights = [stages[name][percentile] for name in names]
        places = [place + (offset - 1) * 0.27 for place in range(len(names))]
        axes.bar(places, heights, 0.25, label=percentile, color=colour)
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="ms", yscale="log")
    axes.legend(frameon=False)
    return drawn


@styled
def quality(scorers: Mapping[str, Mapping[str, float]]) -> Figure:
    drawn, axes = figure()
    ranked = sorted(scorers, key=lambda name: scorers[name]["auc"])
    values = [scorers[name]["auc"] for name in ranked]
    bars = axes.barh([name.replace("_", " ") for name in ranked], values, color=BARS["p50"])
    axes.bar_label(bars, fmt="%.4f", padding=4)
    axes.set(xlabel="AUC over the shown impressions", xlim=(min(0.5, *values), max(values) + 0.03))
    return drawn


def mark_outage(axes: Axes, outage_s: tuple[float, float]) -> None:
    axes.axvspan(*outage_s, color=BARS["p99"], alpha=0.35, lw=0, label="Redis stopped")
