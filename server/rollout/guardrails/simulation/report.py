"""What became of simulated rollouts, as a table and as sentences."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from scipy.stats import binomtest

from models.features.records import F64
from server.rollout.guardrails.errors import MarksMissing
from server.rollout.guardrails.simulation.rollouts import Outcome
from server.rollout.guardrails.simulation.stages import Stage

MARK: Final = "simulation"


def as_markdown(outcomes: Mapping[str, Outcome], stages: Sequence[Stage]) -> str:
    head = [
        "student",
        "rolled back",
        "95 % interval",
        *(f"at {stage.name}" if stage.share else "in shadow" for stage in stages),
        "largest share of traffic",
        "shadowed, median",
        "answered, median",
        "by (share of rollbacks)",
    ]
    rows = [_row(name, outcome, stages) for name, outcome in outcomes.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def hours(outcome: Outcome, stages: Sequence[Stage], rate: float, shadow_share: float) -> float:
    """The median of those that were not rolled back."""
    shares = np.array([stage.share or shadow_share for stage in stages])
    seconds = (outcome.requests / (rate * shares)).sum(axis=1)
    return float(np.median(seconds[~outcome.is_caught])) / 3600.0


def write(page: Path, text: str) -> None:
    """Between the marks. Raises MarksMissing."""
    opened, closed = f"<!-- {MARK} -->", f"<!-- /{MARK} -->"
    head, begun, rest = page.read_text(encoding="utf-8").partition(opened)
    _, ended, tail = rest.partition(closed)
    if not begun or not ended:
        raise MarksMissing(f"{page} has no {opened} … {closed} to write between: add both lines")
    page.write_text(f"{head}{opened}\n{text}\n{closed}{tail}", encoding="utf-8")


def _row(name: str, outcome: Outcome, stages: Sequence[Stage]) -> list[str]:
    caught, total = int(outcome.is_caught.sum()), len(outcome.caught_in)
    interval = binomtest(caught, total).proportion_ci()
    where = [int((outcome.caught_in == place).sum()) for place in range(len(stages))]
    by = [f"{each} {times / caught:.0%}" for each, times in outcome.by.most_common(3) if times]
    return [
        name,
        f"{caught / total:.1%}",
        f"{interval.low:.1%} … {interval.high:.1%}",
        *(f"{count / total:.1%}" if count else "" for count in where),
        f"{_largest_share(outcome, stages):.0%}",
        *_medians(outcome),
        ", ".join(by),
    ]


def _largest_share(outcome: Outcome, stages: Sequence[Stage]) -> float:
    """That any of the rollouts came to."""
    most = outcome.requests.max(axis=0).tolist()
    return max(stage.share for stage, requests in zip(stages, most, strict=True) if requests)


def _medians(outcome: Outcome) -> list[str]:
    """Requests in shadow, and answered, until it was rolled back or over."""
    of_all: F64 = outcome.requests.astype(np.float64)
    kept = of_all[outcome.is_caught] if outcome.is_caught.any() else of_all
    return [f"{np.median(each):,.0f}" for each in (kept[:, 0], kept[:, 1:].sum(axis=1))]
