"""Run as a script: what freshness costs a request, a reading, and a scrape.

`python -m tests.server.measure_freshness`: requests of 200 candidates, half of them hinted.
"""

import sys

import numpy as np

from cache.tiers import PAIR
from models.schema import TIERS
from server.collectors import Series
from server.freshness import Freshness
from server.metrics import LaneMetrics, Metrics
from server.objectives import burns, objectives_of
from server.settings import Settings
from server.windows import READINGS, SlidingCounts
from tests.server.thread_time import say

BY_TIER = [50, 0, 50, 0, 100]
OLD_BOUNDS_S = (1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)


def main() -> None:
    settings = Settings(
        coverage_objective=0.9, pair_coverage_objective=0.5, teacher_age_objective_s=500.0
    )
    metrics = Metrics(settings.teacher_age_objective_s)
    lane = LaneMetrics(metrics, "stable", "v1")
    bounds = metrics.age_bounds_s
    counts = SlidingCounts(lane.counts)
    freshness = Freshness(counts, bounds, objectives_of(settings, bounds))
    for _ in range(READINGS):
        counts.read()
    ages_s = np.random.default_rng(0).uniform(0, 900, 150).astype(np.float32)
    few = Series(OLD_BOUNDS_S)
    say("tiers of a request", lambda: lane.covered(BY_TIER))
    say(f"ages of a request, {len(bounds)} bounds", lambda: lane.aged(PAIR, ages_s))
    say(f"ages of a request, {len(OLD_BOUNDS_S)} bounds", lambda: few.observe_many(ages_s))
    say("a reading, every 10 s", counts.read)
    say("windows and burn rates, a scrape", lambda: burned(freshness))
    nbytes = counts._counts.nbytes + counts._at_s.nbytes
    sys.stdout.write(f"ring of {READINGS} readings: {nbytes:,} bytes, {len(TIERS)} tiers\n")


def burned(freshness: Freshness) -> None:
    windows = freshness.windows()
    for objective in freshness.objectives:
        burns(objective, windows)


if __name__ == "__main__":
    main()
