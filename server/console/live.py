"""The last minute in figures, from what the counters gained."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import numpy as np

from models.schema import TIERS
from server.console.readings import Readings, Series, Window
from server.console.snapshot import LaneLive, Latest, Live, Times
from server.freshness import quantile
from server.stages import STAGES, TOTAL

LATEST_S: Final = 5.0
AGES: Final = (50, 90, 99)
STAGE_SECONDS: Final = "understudy_stage_seconds_bucket"
AGE_SECONDS: Final = "understudy_teacher_age_seconds_bucket"
RANKING: Final = ("/v1/rank", "/infer")
"""What the paths end in whose answers are counted: the rest is the console's own, and probes."""

Lane = tuple[str, str]
Counts = defaultdict[str, float]
Buckets = defaultdict[float, float]
"""Cumulative, by upper bound."""


def live_of(readings: Readings) -> Live:
    window, latest = _Gained(readings.over()), _Gained(readings.over(LATEST_S))
    return Live(
        seconds=window.seconds,
        workers=readings.workers.get("answering", 1),
        silent_workers=readings.workers.get("silent", 0),
        requests_per_s=window.rate(sum(window.requests.values())),
        candidates_per_s=window.rate(sum(sum(each.values()) for each in window.tiers.values())),
        statuses=window.rates(window.statuses),
        shed=window.rates(window.shed),
        degraded=window.rates(window.degraded),
        lanes=window.lanes(),
        latest=Latest(latest.rate(sum(latest.requests.values())), latest.p99_ms()),
    )


class _Gained:
    """A window's counts, sorted by what they are of; those of all workers together."""

    def __init__(self, window: Window) -> None:
        self.seconds = window.seconds
        self._bounds = window.bounds
        self.statuses, self.shed, self.degraded = _counts(), _counts(), _counts()
        self.tiers: defaultdict[Lane, Counts] = defaultdict(_counts)
        self.times: defaultdict[Lane, defaultdict[str, Buckets]] = defaultdict(
            lambda: defaultdict(_buckets)
        )
        self.ages: defaultdict[Lane, Buckets] = defaultdict(_buckets)
        for series, gained in window.gained:
            self._add(series, gained)

    @property
    def requests(self) -> dict[Lane, float]:
        return {lane: stages[TOTAL][np.inf] for lane, stages in self.times.items()}

    def rate(self, count: float) -> float:
        return count / self.seconds if self.seconds else 0.0

    def rates(self, counts: Counts) -> dict[str, float]:
        """The most first."""
        most = sorted(counts.items(), key=lambda each: -each[1])
        return {name: self.rate(count) for name, count in most}

    def p99_ms(self) -> float | None:
        """Over all lanes."""
        together = _buckets()
        for stages in self.times.values():
            for bound, count in stages[TOTAL].items():
                together[bound] += count
        return 1e3 * self._quantile(STAGE_SECONDS, together, 0.99) if together else None

    def lanes(self) -> list[LaneLive]:
        """The stable one first."""
        order = sorted(self.times, key=lambda lane: (lane[0] != "stable", lane))
        return [self._lane(lane) for lane in order]

    def _add(self, series: Series, gained: float) -> None:
        labels = series.labels
        match series.name:
            case "understudy_stage_seconds_bucket":
                self.times[_lane(labels)][labels["stage"]][float(labels["le"])] += gained
            case "understudy_teacher_age_seconds_bucket":
                self.ages[_lane(labels)][float(labels["le"])] += gained
            case "understudy_candidates_total":
                self.tiers[_lane(labels)][labels["tier"]] += gained
            case "understudy_requests_total" if labels["route"].endswith(RANKING):
                self.statuses[labels["status"]] += gained
            case "understudy_degraded_total":
                self.degraded[f"{labels['stage']}:{labels['reason']}"] += gained
            case "understudy_shed_total":
                self.shed[labels["reason"]] += gained

    def _lane(self, lane: Lane) -> LaneLive:
        stages = self.times[lane]
        tiers = self.tiers[lane]
        candidates = sum(tiers.values())
        return LaneLive(
            *lane,
            requests_per_s=self.rate(stages[TOTAL][np.inf]),
            stages={name: self._times(stages[name]) for name in (*STAGES, TOTAL) if stages[name]},
            coverage={str(tier): tiers[tier] / candidates for tier in TIERS if candidates},
            teacher_age_s=self._ages_s(self.ages[lane]),
        )

    def _ages_s(self, ages: Buckets) -> dict[str, float] | None:
        if not ages:
            return None
        return {f"p{p}": self._quantile(AGE_SECONDS, ages, p / 100) for p in AGES}

    def _times(self, buckets: Buckets) -> Times:
        shares = (0.5, 0.95, 0.99)
        return Times(*(1e3 * self._quantile(STAGE_SECONDS, buckets, share) for share in shares))

    def _quantile(self, name: str, buckets: Buckets, share: float) -> float:
        """Of cumulative counts by upper bound; a bucket that is not there gained nothing."""
        bounds = self._bounds[name]
        counts = np.diff([0.0, *(buckets[bound] for bound in bounds)])
        return quantile(counts.astype(np.int64), bounds[:-1], share)


def _counts() -> Counts:
    return defaultdict(float)


def _buckets() -> Buckets:
    return defaultdict(float)


def _lane(labels: Mapping[str, str]) -> Lane:
    return labels["lane"], labels["version"]
