"""A load's latencies and its processes' memory by windows of equal length."""

import itertools
import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from loadtest.run.percentile import CLAIMED, fewest
from loadtest.run.samples import F64, Samples
from loadtest.soak.memory import Memory

PERCENTILES: Final = ("p50", "p99")


class Windows(NamedTuple):
    """All `[windows]`; window n begins at n · window_s."""

    window_s: float
    latency_ms: dict[str, F64]  # by percentile; NaN where answers are too few to claim it
    rss_mb: dict[str, F64]  # by process, the median; NaN where it was not there

    def between(self, first: int, last: int | None = None) -> "Windows":
        return Windows(
            self.window_s,
            {name: values[first:last] for name, values in self.latency_ms.items()},
            {name: values[first:last] for name, values in self.rss_mb.items()},
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "latency_ms": {name: values.tolist() for name, values in self.latency_ms.items()},
            "rss_mb": {name: values.tolist() for name, values in self.rss_mb.items()},
        }


def windows_of(samples: Samples, memory: Memory, seconds: float, window_s: float) -> Windows:
    """Whole ones alone, by intended times."""
    edges: F64 = np.arange(math.floor(seconds / window_s + 1e-9) + 1.0) * window_s
    answered = samples.is_answered
    spent = _cut(samples.latency_ms[answered], samples.due_s[answered], edges)
    at_s = np.array(memory.at_s)
    rss_mb = {
        name: np.array([_median(part) for part in _cut(np.array(told), at_s, edges)])
        for name, told in memory.resident_mb.items()
    }
    return Windows(window_s, {name: _percentiles(spent, name) for name in PERCENTILES}, rss_mb)


def windows_from(told: Mapping[str, Any]) -> Windows:
    """Of report.json's `slopes`."""
    latency, resident = (told["windows"][kind] for kind in ("latency_ms", "rss_mb"))
    return Windows(
        told["window_s"],
        {name: np.array(values, np.float64) for name, values in latency.items()},
        {name: np.array(values, np.float64) for name, values in resident.items()},
    )


def _cut(values: F64, at_s: F64, edges: F64) -> list[F64]:
    """`at_s` ascending."""
    places = np.searchsorted(at_s, edges)
    return [values[first:last] for first, last in itertools.pairwise(places)]


def _percentiles(spent: list[F64], name: str) -> F64:
    share, least = CLAIMED[name], fewest(CLAIMED[name])
    told = [float(np.quantile(part, share)) if len(part) >= least else math.nan for part in spent]
    return np.array(told)


def _median(part: F64) -> float:
    return float(np.median(part)) if len(part) else math.nan
