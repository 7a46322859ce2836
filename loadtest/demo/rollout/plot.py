"""The time line of two rollouts: who answered, stage by stage, and the guardrail that decided."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.demo.plots import mark_outage
from loadtest.svg import BARS, styled

LANES: Final = {
    "first stable": ("#9aa0a6", "the first student"),
    "better canary": ("#8ab17d", "the better one, as canary"),
    "better stable": ("#2a9d8f", "the better one, promoted"),
    "harmful canary": ("#d1603d", "the harmful one, as canary"),
    "failed": ("#000000", "failed"),
}
INK: Final = "#7a828c"
"""To be read on white and on black."""
STAGES: Final = {"verifying": "verify", "shadowing": "shadow", "rolled_back": "back"}
ROLES: Final = {"better": "#2a9d8f", "harmful": "#d1603d"}
MOST: Final = 30.0
"""Margins that are drawn of a figure, on either side of 0."""
LINES: Final = 3
WIDTH: Final = 0.014
"""Of a letter, as a share of the axis."""


@styled
def timeline(rollout: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    above, below = figure.subplots(2, height_ratios=(3, 2), sharex=True)
    _answers(above, rollout["answered_over_time"])
    for role, told in rollout["rollouts"].items():
        _stages((above, below), told["transitions"])
        _guardrail(below, role, told)
    outage = rollout["redis_outage"]
    mark_outage(above, (outage["from_s"], outage["until_s"]))
    below.axhline(1.0, color=BARS["p99"], ls="--", lw=1, label="tolerated")
    below.set(xlabel="seconds", ylabel="harm ÷ tolerated", ylim=(-MOST, MOST))
    below.set_yscale("symlog", linthresh=1.0)
    below.set_yticks((-10, -1, 0, 1, 10), ("−10", "−1", "0", "1", "10"))
    for axes in (above, below):
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    return figure


def standing_alone(drawn: str) -> str:
    """As a file: there is no page whose ink it could take."""
    return drawn.replace("currentColor", INK)


def _answers(axes: Axes, seconds: Sequence[Mapping[str, Any]]) -> None:
    edges = [second["from_s"] for second in seconds]
    told = [second["answers"] for second in seconds]
    lanes = [lane for lane in LANES if any(lane in answers for answers in told)]
    shares = [[answers.get(lane, 0) / sum(answers.values()) for answers in told] for lane in lanes]
    labels, colours = ([LANES[lane][place] for lane in lanes] for place in (1, 0))
    axes.stackplot(edges, shares, labels=labels, colors=colours, lw=0)
    axes.set(ylabel="share of answers", ylim=(0, 1), xlim=(0, edges[-1] + 1.0))


def _stages(both: Sequence[Axes], transitions: Sequence[Mapping[str, Any]]) -> None:
    """Each named above the plot, on the lowest line where there is room."""
    letter_s = WIDTH * both[0].get_xlim()[1]
    taken_s = [-letter_s] * LINES
    for each in transitions:
        at_s, stage = each["at_s"], each["to_stage"]
        name = f"{each['share']:.0%}" if stage == "canary" else STAGES.get(stage, stage)
        line = next((n for n in range(LINES) if taken_s[n] <= at_s), LINES - 1)
        taken_s[line] = at_s + letter_s * (len(name) + 1)
        both[0].text(at_s, 1.02 + 0.07 * line, name, fontsize=7, ha="left", va="bottom")
        for axes in both:
            axes.axvline(at_s, lw=0.6, ls=":", color="#7f8790")


def _guardrail(axes: Axes, role: str, told: Mapping[str, Any]) -> None:
    label = f"{told['guardrail']}, {role}"
    for _, part in groupby(told["guardrail_over_time"], lambda look: (look["stage"], look["step"])):
        looks = list(part)
        times = [look["at_s"] for look in looks]
        harm, low, high = (_margins(looks, key) for key in ("harm", "low", "high"))
        high = np.where(np.isnan(high), MOST, high)
        axes.fill_between(times, low, high, color=ROLES[role], alpha=0.2, lw=0)
        axes.plot(times, low, color=ROLES[role], lw=0.6)
        axes.plot(times, harm, color=ROLES[role], lw=1.2, label=label)
        label = "_"


def _margins(looks: Sequence[Mapping[str, Any]], key: str) -> np.ndarray[Any, Any]:
    """A figure in margins, within what is drawn; NaN where there is none."""
    values = [np.nan if look[key] is None else look[key] / look["margin"] for look in looks]
    return np.clip(np.array(values, np.float64), -MOST, MOST)
