"""Pages of /metrics, read again and again: what was counted between two of them."""

import re
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64

WINDOW_S: Final = 60.0
GAP_S: Final = 5.0
"""After a longer one, what came before says nothing of the last minute."""
READINGS: Final = 64
MAX_SERIES: Final = 50_000
COUNTERS: Final = (
    "understudy_stage_seconds_bucket",
    "understudy_teacher_age_seconds_bucket",
    "understudy_candidates_total",
    "understudy_requests_total",
    "understudy_degraded_total",
    "understudy_shed_total",
)
_SAMPLE: Final = re.compile(
    rb"^(%s)\{(.*)\} (\S+)$" % b"|".join(name.encode() for name in COUNTERS), re.MULTILINE
)
_WORKERS: Final = re.compile(rb'^understudy_workers\{state="(\w+)"\} (\S+)$', re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Series(NamedTuple):
    name: str
    labels: dict[str, str]


class Window(NamedTuple):
    seconds: float  # 0 before the second reading
    gained: list[tuple[Series, float]]  # what grew
    bounds: Mapping[str, list[float]]  # upper ones of a histogram's buckets, by its name


class Readings:
    """A series has a place in every reading, so that a minute of them takes 8 bytes each. What
    falls was begun anew, as with the start of a worker."""

    def __init__(self) -> None:
        self._places: dict[tuple[bytes, bytes], int] = {}
        self._series: list[Series] = []
        self._kept: deque[tuple[float, F64]] = deque(maxlen=READINGS)
        self._bounds: dict[str, set[float]] = defaultdict(set)
        self.workers: dict[str, int] = {}

    def add(self, page: bytes, at_s: float) -> None:
        if len(self._places) > MAX_SERIES:
            self._places.clear()
            self._series.clear()
            self._kept.clear()
        if self._kept and at_s - self._kept[-1][0] > GAP_S:
            self._kept.clear()
        found = _SAMPLE.findall(page)
        places = [self._place(name, labels) for name, labels, _ in found]
        values = np.full(len(self._series), np.nan)
        values[places] = [float(value) for _, _, value in found]
        self._kept.append((at_s, values))
        told = _WORKERS.findall(page)
        self.workers = {state.decode(): int(float(count)) for state, count in told}

    def over(self, window_s: float = WINDOW_S) -> Window:
        """Since the newest reading that is at least so old, or else the oldest."""
        if len(self._kept) < 2:
            return Window(0.0, [], {})
        now_s, now = self._kept[-1]
        old = [kept for kept in self._kept if kept[0] <= now_s - window_s]
        since_s, before = old[-1] if old else self._kept[0]
        gained = _gained(before, now)
        grown = np.flatnonzero(gained > 0.0)
        series = [(self._series[place], float(gained[place])) for place in grown.tolist()]
        bounds = {name: sorted(held) for name, held in self._bounds.items()}
        return Window(now_s - since_s, series, bounds)

    def _place(self, name: bytes, labels: bytes) -> int:
        place = self._places.setdefault((name, labels), len(self._series))
        if place == len(self._series):
            series = Series(name.decode(), dict(_LABEL.findall(labels.decode())))
            self._series.append(series)
            if "le" in series.labels:
                self._bounds[series.name].add(float(series.labels["le"]))
        return place


def _gained(before: F64, now: F64) -> F64:
    """NaN is a series that was not on the page."""
    earlier = np.zeros_like(now)
    earlier[: len(before)] = np.nan_to_num(before)
    held = np.nan_to_num(now)
    gained: F64 = np.where(held >= earlier, held - earlier, held)
    return gained
