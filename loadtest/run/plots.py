"""The report's plots, from report.json alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.svg import BARS, figure, styled

TOTAL: Final = "total"
SHED: Final = "#e9b44c"
COVERED: Final = "#2a9d8f"
NAN: Final = float("nan")

Slices = Sequence[Mapping[str, Any]]
Marks = Sequence[Mapping[str, Any]]


@styled
def latency(slices: Slices, marks: Marks) -> Figure:
    drawn, axes = figure()
    middles = [_middle(part) for part in slices]
    for name in ("p50", "p99"):
        spent = [_or_gap(part[f"{name}_ms"]) for part in slices]
        axes.plot(middles, spent, label=name, color=BARS[name])
    axes.set(xlabel="seconds", ylabel="ms from when due", yscale="log")
    return _finished(drawn, axes, slices, marks)


@styled
def answers(slices: Slices, marks: Marks) -> Figure:
    """A second: what was due, and what of it was shed or failed."""
    drawn, axes = figure()
    middles = [_middle(part) for part in slices]
    colours = {"requests": BARS["p50"], "shed": SHED, "failed": BARS["p99"]}
    for name, colour in colours.items():
        axes.step(middles, [part[name] / _length(part) for part in slices], where="mid",
                  label=name, color=colour)  # fmt: skip
    axes.set(xlabel="seconds", ylabel="a second", ylim=(0, None))
    return _finished(drawn, axes, slices, marks)


@styled
def shares(slices: Slices, marks: Marks) -> Figure:
    drawn, axes = figure()
    middles = [_middle(part) for part in slices]
    covered = [_or_gap(part["covered"]) for part in slices]
    degraded = [part["degraded"] / max(part["requests"], 1) for part in slices]
    axes.plot(middles, covered, label="covered candidates", color=COVERED)
    axes.plot(middles, degraded, label="degraded answers", color=SHED)
    axes.set(xlabel="seconds", ylabel="share", ylim=(-0.02, 1.02))
    return _finished(drawn, axes, slices, marks)


@styled
def stages(figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Figure:
    """What can be claimed of each stage, widths in ms."""
    drawn, axes = figure()
    names = [name for name in reversed(list(figures)) if name != TOTAL]
    for offset, percentile in ((0.2, "p50"), (-0.2, "p99")):
        widths = [figures[name][percentile].get("value", 0.0) for name in names]
        places = [place + offset for place in range(len(names))]
        axes.barh(places, widths, 0.36, label=percentile, color=BARS[percentile])
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="ms in the gateway")
    axes.legend(frameon=False)
    return drawn


@styled
def resident(slopes: Mapping[str, Any]) -> Figure:
    """By window, of each process; what was left to settle is shaded."""
    drawn, axes = figure()
    for name, told in slopes["windows"]["rss_mb"].items():
        middles = [(place + 0.5) * slopes["window_s"] for place in range(len(told))]
        axes.plot(middles, [_or_gap(value) for value in told], label=name)
    axes.axvspan(0.0, slopes["settled_s"], color=SHED, alpha=0.2, lw=0, label="settling")
    axes.set(xlabel="seconds", ylabel="resident, MB", ylim=(0, None), xlim=(0, None))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return drawn


def _finished(drawn: Figure, axes: Axes, slices: Slices, marks: Marks) -> Figure:
    """Faults shaded, instants as lines, all named in the legend."""
    for mark in marks:
        if mark["until_s"] is None:
            axes.axvline(mark["from_s"], color=BARS["p95"], ls="--", label=mark["what"])
        else:
            axes.axvspan(mark["from_s"], mark["until_s"], color=BARS["p99"], alpha=0.2, lw=0,
                         label=mark["what"])  # fmt: skip
    axes.set_xlim(0, slices[-1]["until_s"])
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return drawn


def _middle(part: Mapping[str, Any]) -> float:
    return float(part["from_s"] + part["until_s"]) / 2.0


def _length(part: Mapping[str, Any]) -> float:
    return float(part["until_s"] - part["from_s"])


def _or_gap(value: float | None) -> float:
    return NAN if value is None else value
