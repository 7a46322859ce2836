"""What is told about an answer once it is sent: demand for the teacher, and counters."""

import numpy as np

from cache.demand import Demand, DemandFeed
from cache.tiers import PAIR
from server.answer import Answered
from server.metrics import LaneMetrics, Metrics
from server.ranked import Ranked
from server.stages import StageClock


class Feedback:
    """Nothing here is awaited by a caller."""

    def __init__(self, metrics: Metrics, lane: LaneMetrics, demand: DemandFeed | None) -> None:
        self._metrics = metrics
        self._lane = lane
        self.demand = demand

    def tell(self, ranked: Ranked, answered: Answered, clock: StageClock) -> None:
        self._lane.timed(clock)
        self._lane.covered(answered.by_tier)
        self._metrics.request_candidates.observe(len(ranked.columns.item_ids))
        for degraded in answered.answer.degraded:
            self._metrics.degraded.labels(degraded.stage, degraded.reason).inc()
        resolved, hinted = ranked.assembled.resolved, sum(answered.by_tier[1:])
        if resolved is not None and hinted:
            self._metrics.teacher_age.observe_many(resolved.age_s[resolved.tier > 0])
        if self.demand is not None and ranked.cache_reason is None:
            self._ask(self.demand, ranked)

    def _ask(self, feed: DemandFeed, ranked: Ranked) -> None:
        """For pairs that missed or are stale. When the cache was not read nobody knows which."""
        resolved, known = ranked.assembled.resolved, ranked.assembled.known
        if resolved is None:
            return
        wanted = np.flatnonzero(known & ((resolved.tier != PAIR) | resolved.stale))
        if len(wanted):
            feed.offer(
                Demand(
                    user_id=ranked.request.user_id,
                    as_of_ms=ranked.now_ms,
                    context=ranked.context.keys[0],
                    context_numbers=ranked.context.numbers[0],
                    item_keys=ranked.assembled.item_keys[wanted],
                    scores=ranked.scored.scores[wanted].astype(np.float32),
                )
            )
