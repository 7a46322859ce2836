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
_WORKERS: Final = re.compile(rb'understudy_workers\{state="(\w+)"\} (\S+)')
WORKER: Final = "worker"
ALONE: Final = ""
"""The worker of pages that name none."""
_WORKER: Final = re.compile(rb'understudy_ready\{worker="([^"]*)"\}')
"""Which every worker writes, whatever it has counted."""
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
    falls was begun anew, as with the start of a worker; what is not on a page, as when a worker is
    silent, stays as it was. A new series counts from naught where its worker was known before."""

    def __init__(self) -> None:
        self._places: dict[tuple[bytes, bytes], int] = {}
        self._series: list[Series] = []
        self._origins: list[float] = []  # of each series, before its first reading
        self._known: set[str] = set()  # workers
        self._kept: deque[tuple[float, F64]] = deque(maxlen=READINGS)
        self._bounds: dict[str, set[float]] = defaultdict(set)
        self.workers: dict[str, int] = {}

    def add(self, page: bytes, at_s: float) -> None:
        is_late = bool(self._kept) and at_s - self._kept[-1][0] > GAP_S
        if is_late or len(self._places) > MAX_SERIES:
            self._forget()
        found = [(name, labels, float(value)) for name, labels, value in _SAMPLE.findall(page)]
        places = [self._place(*each) for each in found]
        values = self._padded(self._kept[-1][1] if self._kept else np.empty(0))
        values[places] = [value for _, _, value in found]
        self._kept.append((at_s, values))
        self._known |= {worker.decode() for worker in _WORKER.findall(page)} | {ALONE}
        told = _WORKERS.findall(page)
        self.workers = {state.decode(): int(float(count)) for state, count in told}

    def over(self, window_s: float = WINDOW_S) -> Window:
        """Since the newest reading that is at least so old, or else the oldest."""
        if len(self._kept) < 2:
            return Window(0.0, [], {})
        now_s, now = self._kept[-1]
        old = [kept for kept in self._kept if kept[0] <= now_s - window_s]
        since_s, before = old[-1] if old else self._kept[0]
        before = self._padded(before)
        gained = np.where(now >= before, now - before, now)
        grown = np.flatnonzero(gained > 0.0)
        series = [(self._series[place], float(gained[place])) for place in grown.tolist()]
        bounds = {name: sorted(held) for name, held in self._bounds.items()}
        return Window(now_s - since_s, series, bounds)

    def _place(self, name: bytes, labels: bytes, value: float) -> int:
        place = self._places.setdefault((name, labels), len(self._series))
        if place == len(self._series):
            series = Series(name.decode(), dict(_LABEL.findall(labels.decode())))
            self._series.append(series)
            is_known = series.labels.get(WORKER, ALONE) in self._known
            self._origins.append(0.0 if is_known else value)
            if "le" in series.labels:
                self._bounds[series.name].add(float(series.labels["le"]))
        return place

    def _padded(self, values: F64) -> F64:
        """With what the series that came since had before; a copy."""
        return np.concatenate([values, self._origins[len(values) :]])

    def _forget(self) -> None:
        for held in (self._places, self._series, self._origins, self._known, self._kept):
            held.clear()
