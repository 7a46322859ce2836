"""Every metric of the gateway."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics

from cache.breaker import CircuitBreaker
from models.features.records import F32
from models.schema import TIERS
from server.bundle_metrics import BundleMetrics
from server.catalogue_metrics import CatalogueMetrics
from server.collectors import Counts, Histograms
from server.exposition import PLAIN, Exposition
from server.feed_metrics import FeedMetrics
from server.freshness_metrics import FreshnessMetrics
from server.rollout.metrics import RolloutMetrics
from server.stages import STAGES, TOTAL, StageClock

SECONDS: Final = tuple(round(5e-5 * 1.6**step, 7) for step in range(24))  # 50 µs … 2.5 s
AGES_S: Final = (1, 2, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
SIZES: Final = tuple(2**power for power in range(13))
SHED: Final = ("overloaded", "late", "over_quota", "hung_up")
"""Reasons that server.shed counts."""
LATE: Final = ("total", "late")
"""Stage and reason of an answer past its deadline."""


class LaneMetrics:
    """The series of one lane and version, bound once so that a request only adds to them."""

    def __init__(self, metrics: "Metrics", lane: str, version: str) -> None:
        stages = [(stage, lane, version) for stage in (*STAGES, TOTAL)]
        self._histograms = metrics.stage_seconds
        self._stages = metrics.stage_seconds.row(stages)
        self._tiers = [metrics.candidates.count(tier, lane, version) for tier in TIERS]
        self._ages = [metrics.teacher_age.series(tier, lane, version) for tier in TIERS[1:]]

    def timed(self, clock: StageClock) -> None:
        self._stages.observe([ns / 1e9 for ns in (*clock.spent_ns.values(), clock.total_ns)])

    def exemplify(self, clock: StageClock, labels: Mapping[str, str]) -> None:
        """The buckets that it is counted in name it."""
        spent_ns = (*clock.spent_ns.values(), clock.total_ns)
        self._stages.exemplify([ns / 1e9 for ns in spent_ns], labels)

    def covered(self, by_tier: Sequence[int]) -> None:
        for tier, candidates in zip(self._tiers, by_tier, strict=True):
            tier.value += candidates

    def aged(self, tier: int, ages_s: F32) -> None:
        """Of the candidates with a hint of this tier, its place in TIERS; must not change
        afterwards."""
        self._ages[tier - 1].observe_many(ages_s)

    def counts(self) -> list[int]:
        """Candidates by tier, then hinted ones by bucket of age."""
        by_bucket = [sum(each) for each in zip(*(age.counted() for age in self._ages), strict=True)]
        return [tier.value for tier in self._tiers] + by_bucket

    def close(self) -> None:
        """What was counted stays."""
        self._histograms.drop(self._stages)


class Metrics:
    def __init__(self, age_limit_s: float | None = None) -> None:
        """`age_limit_s` is that of an objective, for which ages must be told apart exactly."""
        self.age_bounds_s: list[float] = sorted({*AGES_S, *filter(None, [age_limit_s])})
        # One more series for each, that nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = own = CollectorRegistry()
        self.requests = Counts(
            "understudy_requests_total", "Answers by route and status", ["route", "status"]
        )
        self.stage_seconds = Histograms(
            "understudy_stage_seconds", "Time of a ranking by stage; they add up to the total",
            ["stage", "lane", "version"], SECONDS,
        )  # fmt: skip
        sizes = Histograms("understudy_request_candidates", "Candidates of an answer", [], SIZES)
        self.request_candidates = sizes.series()
        self.candidates = Counts(
            "understudy_candidates_total", "Candidates scored, by where their hint came from",
            ["tier", "lane", "version"],
        )  # fmt: skip
        self.degraded = Counter(
            "understudy_degraded_total", "Answers that lacked something, by stage and reason",
            ["stage", "reason"], registry=own,
        )  # fmt: skip
        self.shed = Counter("understudy_shed_total", "Requests refused", ["reason"], registry=own)
        self.events = Counter("understudy_events_total", "Events stored", ["type"], registry=own)
        self.item_updates = Counter(
            "understudy_item_updates_total", "Item counters brought up to date", registry=own
        )
        self.catalogue = CatalogueMetrics(own)
        self.unavailable = Counter(
            "understudy_unavailable_total", "Candidates left out: paused or removed", registry=own
        )
        self.ready = Gauge("understudy_ready", "1 once requests are answered", registry=own)
        self.bundles = BundleMetrics(own)
        self.inflight = Gauge("understudy_inflight_candidates", "Candidates in work", registry=own)
        self.breaker = Gauge(
            "understudy_breaker_open", "1 while cache reads are stopped", registry=own
        )
        self.teacher_age = Histograms(
            "understudy_teacher_age_seconds", "Age of the hint of each hinted candidate",
            ["tier", "lane", "version"], self.age_bounds_s,
        )  # fmt: skip
        self.feeds = FeedMetrics(own)
        self.rollouts = RolloutMetrics(own)
        self.connections = Gauge("understudy_connections", "Open connections", registry=own)
        self.freshness = FreshnessMetrics()
        counted = (self.requests, self.candidates, self.stage_seconds, sizes, self.teacher_age)
        for collector in (*counted, self.freshness):
            own.register(collector)
        self._begin()

    def _begin(self) -> None:
        """With 0 of what alerts ask for: rate() would miss the first of each."""
        for reason in SHED:
            self.shed.labels(reason)
        self.degraded.labels(*LATE)

    def watch(self, candidates: Callable[[], int], breaker: CircuitBreaker) -> None:
        """`candidates`: those in work."""
        self.ready.set(1)
        self.inflight.set_function(candidates)
        self.breaker.set_function(lambda: breaker.is_open)

    def count_refused(self, status: int) -> None:
        """An answer of the socket, given before a request got as far as a route."""
        self.requests.count("other", str(status)).value += 1

    def page(self, exposition: Exposition = PLAIN) -> bytes:
        return exposition.write(self.registry)
