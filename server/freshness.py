"""How fresh the hints of one lane's answers are, over sliding windows."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from models.features.records import I64
from models.schema import TIERS
from server.objectives import Objective
from server.windows import STEP_S, WINDOWS_S, SlidingCounts, Window

PERCENTILES: Final = (50, 90, 99)


class Coverage(NamedTuple):
    candidates: int
    shares: Mapping[str, float]  # by tier; empty without candidates


class Freshness:
    """`counts` are candidates by tier, then hinted candidates by bucket of age."""

    def __init__(
        self, counts: SlidingCounts, bounds_s: Sequence[float], objectives: Sequence[Objective]
    ) -> None:
        self._counts = counts
        self._bounds_s = bounds_s
        self.objectives = objectives

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(STEP_S)
            self._counts.read()

    def windows(self) -> dict[str, Window]:
        return {name: self._counts.over(window_s) for name, window_s in WINDOWS_S.items()}

    def ages_s(self, window: Window) -> dict[str, float] | None:
        """By percentile, over hinted candidates; None when there were none."""
        by_age = window.counts[len(TIERS) :]
        if not by_age.any():
            return None
        return {f"p{p}": quantile(by_age, self._bounds_s, p / 100) for p in PERCENTILES}


def coverage(window: Window) -> Coverage:
    by_tier = window.counts[: len(TIERS)].tolist()
    total = sum(by_tier)
    shares: dict[str, float] = {
        str(tier): count / total for tier, count in zip(TIERS, by_tier, strict=True) if total
    }
    return Coverage(total, shares)


def quantile(by_bucket: I64, bounds: Sequence[float], share: float) -> float:
    """As Prometheus' histogram_quantile: even within a bucket, and the last bound beyond it."""
    cumulative = np.cumsum(by_bucket)
    wanted = share * cumulative[-1]
    place = int(cumulative.searchsorted(wanted))
    if place == len(bounds):
        return float(bounds[-1])
    low, high = list(pairwise([0.0, *bounds]))[place]
    before = cumulative[place - 1] if place else 0
    return float(low + (high - low) * (wanted - before) / max(by_bucket[place], 1))
