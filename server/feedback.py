"""What is told about an answer once it is sent: demand, the served log, and counters."""

from collections import deque

import numpy as np

from cache.demand_feed import DemandFeed
from cache.reader import CORRUPT
from cache.tiers import Resolved
from server.demanded import demand_of, whole_demand_of
from server.metrics import LaneMetrics, Metrics
from server.mirror import Mirror
from server.ranked import Ranked
from server.served_log import ServedLog
from server.stages import StageClock
from server.summary import Summary
from server.wire import RankAnswer, RankRequest


class Feedback:
    """Nothing here is awaited by a caller."""

    def __init__(
        self,
        metrics: Metrics,
        lane: LaneMetrics,
        demand: DemandFeed | None,
        served: ServedLog | None,
        tells_hits: bool = False,
        lately: deque[RankRequest] | None = None,
    ) -> None:
        """`lately` keeps as many requests as it has room for."""
        self._metrics = metrics
        self.lane = lane
        self.lately: deque[RankRequest] = deque(maxlen=0) if lately is None else lately
        self.demand = demand
        self.served = served
        self.mirror: Mirror | None = None  # of a space to come, while there is one
        self._tells_hits = tells_hits

    def of(self, lane: LaneMetrics) -> "Feedback":
        """Counted under another name; feeds and what is remembered are the same."""
        return Feedback(
            self._metrics, lane, self.demand, self.served, self._tells_hits, self.lately
        )

    def tell(self, ranked: Ranked, answer: RankAnswer, clock: StageClock) -> None:
        summary, resolved = ranked.assembled.summary, ranked.assembled.resolved
        self.lane.timed(clock)
        if clock.trace is not None:
            self.lane.exemplify(clock, clock.trace.exemplar_labels(answer.request_id))
        self.lane.covered(summary.by_tier)
        self._metrics.request_candidates.observe(summary.candidates)
        self.lately.append(ranked.request)
        if ranked.unavailable:
            self._metrics.unavailable.inc(len(ranked.unavailable))
        for degraded in answer.degraded:
            self._metrics.degraded.labels(degraded.stage, degraded.reason).inc()
        if resolved is not None:
            self._age(summary, resolved)
        # When the cache was not read nobody knows what is missing. What came damaged is: it stays
        # so until a refresher writes over it, which takes somebody who asks.
        reason, is_told = ranked.cache_reason, summary.wants or self._tells_hits
        if self.demand is not None and is_told and (reason is None or reason == CORRUPT):
            self._ask(self.demand, ranked)
        if self.served is not None:
            self.served.tell(ranked, answer)
        if self.mirror is not None:
            self.mirror.offer(ranked)

    def _age(self, summary: Summary, resolved: Resolved) -> None:
        for tier, count in enumerate(summary.by_tier[1:], 1):
            if count == summary.candidates:
                self.lane.aged(tier, resolved.age_s)
            elif count:
                self.lane.aged(tier, resolved.age_s[resolved.tier == tier])

    def _ask(self, feed: DemandFeed, ranked: Ranked) -> None:
        """For pairs that missed or are stale."""
        resolved, known = ranked.assembled.resolved, ranked.assembled.known
        if resolved is None:
            return
        if self._tells_hits and known.any():
            feed.offer(whole_demand_of(ranked, known, resolved))
            return
        wanted = np.flatnonzero(known & resolved.wanted)
        if len(wanted):
            feed.offer(demand_of(ranked, wanted))
