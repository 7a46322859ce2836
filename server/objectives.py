"""Freshness objectives: how many candidates are to have a hint, of which tier and of which age.

A burn rate is the share that falls short ÷ the share that may (1 − target), over a window; 1 spends
the error budget exactly. Alerts take two windows each, as in Google's SRE Workbook, chapter 5,
"Alerting on SLOs".
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from models.features.records import I64, Mask
from models.schema import TIERS
from server.settings import Settings
from server.windows import Window

COVERAGE: Final = "coverage"
PAIR_COVERAGE: Final = "pair_coverage"
TEACHER_AGE: Final = "teacher_age"
_TIERS: Final = len(TIERS)


class Objective(NamedTuple):
    """Of counters `[W]`: candidates by tier, then hinted candidates by bucket of age."""

    name: str
    target: float  # share of those that `all` counts
    bad: Mask  # [W]
    all: Mask  # [W]
    limit_s: float | None = None  # of the teacher's age

    def burn(self, counts: I64) -> float | None:
        """None when nothing was served that it speaks of."""
        total = int(counts[self.all].sum())
        return float(counts[self.bad].sum()) / total / (1.0 - self.target) if total else None

    @property
    def worst(self) -> float:
        """The burn rate when everything falls short."""
        return 1.0 / (1.0 - self.target)


class Alert(NamedTuple):
    name: str
    long: str  # window that says it matters
    short: str  # window that says it has not passed already
    factor: float

    def is_firing(self, objective: Objective, burn: Mapping[str, float | None]) -> bool:
        # A low target can never burn so fast: then halfway from 1 to its worst is enough.
        threshold = min(self.factor, (1.0 + objective.worst) / 2)
        return all((burn[window] or 0.0) >= threshold for window in (self.long, self.short))


ALERTS: Final = (Alert("fast", "1h", "5m", 14.4), Alert("slow", "6h", "30m", 6.0))
"""2 % of a month's budget in an hour, 5 % in six hours."""


def objectives_of(settings: Settings, bounds_s: Sequence[float]) -> list[Objective]:
    """Those that are set. `bounds_s` are the upper bounds of the buckets of age, in order; the
    limit of the settings is one of them."""
    width = _TIERS + len(bounds_s) + 1
    candidates, hinted = _mask(width, range(_TIERS)), _mask(width, range(_TIERS, width))
    found = []
    if settings.coverage_objective is not None:
        bad = _mask(width, [TIERS.index("none")])
        found.append(Objective(COVERAGE, settings.coverage_objective, bad, candidates))
    if settings.pair_coverage_objective is not None:
        bad = _mask(width, [code for code, tier in enumerate(TIERS) if tier != "pair"])
        found.append(Objective(PAIR_COVERAGE, settings.pair_coverage_objective, bad, candidates))
    limit_s = settings.teacher_age_objective_s
    if limit_s is not None:
        first = _TIERS + list(bounds_s).index(limit_s) + 1
        bad, target = _mask(width, range(first, width)), settings.teacher_age_percentile
        found.append(Objective(TEACHER_AGE, target, bad, hinted, limit_s))
    return found


def firing(objective: Objective, burn: Mapping[str, float | None]) -> str | None:
    """The first alert that is."""
    return next((alert.name for alert in ALERTS if alert.is_firing(objective, burn)), None)


def burns(objective: Objective, windows: Mapping[str, Window]) -> dict[str, float | None]:
    return {name: objective.burn(window.counts) for name, window in windows.items()}


def _mask(width: int, places: Sequence[int]) -> Mask:
    mask = np.zeros(width, np.bool_)
    mask[list(places)] = True
    return mask
