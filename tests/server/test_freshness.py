"""What a lane says of its hints over windows."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from cache.tiers import PAIR
from server.freshness import Freshness, coverage, quantile
from server.metrics import LaneMetrics, Metrics
from server.objectives import objectives_of
from server.settings import Settings
from server.windows import SlidingCounts
from tests.cache.fake_clock import FakeClock

LIMIT_S = 777.0


class Lane:
    def __init__(self) -> None:
        settings = Settings(coverage_objective=0.9, teacher_age_objective_s=LIMIT_S)
        self.clock = FakeClock()
        self.metrics = Metrics(settings.teacher_age_objective_s)
        self.counted = LaneMetrics(self.metrics, "stable", "v1")
        bounds = self.metrics.age_bounds_s
        self.counts = SlidingCounts(self.counted.counts, self.clock)
        self.freshness = Freshness(self.counts, bounds, objectives_of(settings, bounds))
        self.metrics.freshness.watch("stable", "v1", self.freshness)

    def gauges(self) -> dict[tuple[str, str, str], float]:
        """By name, tier or objective, and window."""
        families = text_string_to_metric_families(self.metrics.page().decode())
        return {
            (
                sample.name.removeprefix("understudy_"),
                sample.labels.get("tier") or sample.labels["objective"],
                sample.labels.get("window", ""),
            ): sample.value
            for family in families
            for sample in family.samples
            if sample.name.startswith(("understudy_coverage", "understudy_freshness"))
        }


@pytest.fixture
def lane() -> Lane:
    return Lane()


def test_age_objective_is_exact_whatever_its_limit(lane: Lane) -> None:
    lane.counted.aged(PAIR, np.array([1.0, LIMIT_S, LIMIT_S + 1, 1e6], np.float32))
    [_, age] = lane.freshness.objectives
    burn = age.burn(lane.freshness.windows()["5m"].counts)
    assert burn == pytest.approx(0.5 / 0.05)


def test_gauges_are_by_window_and_absent_without_traffic(lane: Lane) -> None:
    assert {name for name, *_ in lane.gauges()} == {"freshness_objective_ratio"}
    lane.counted.covered([1, 0, 0, 0, 3])
    seen = lane.gauges()
    assert seen["coverage_ratio", "pair", "1h"] == 0.75
    assert seen["freshness_burn_rate", "coverage", "5m"] == pytest.approx(2.5)
    assert ("freshness_burn_rate", "teacher_age", "5m") not in seen
    for _ in range(40):
        lane.clock.now += 10.0
        lane.counts.read()
    seen = lane.gauges()
    assert ("coverage_ratio", "pair", "5m") not in seen
    assert seen["coverage_ratio", "pair", "1h"] == 0.75


def test_percentiles_are_of_hinted_candidates(lane: Lane) -> None:
    window = lane.freshness.windows()["5m"]
    assert lane.freshness.ages_s(window) is None
    assert coverage(window).shares == {}
    lane.counted.aged(PAIR, np.linspace(0.0, 60.0, 6001, dtype=np.float32))
    ages_s = lane.freshness.ages_s(lane.freshness.windows()["5m"])
    assert ages_s is not None
    assert ages_s["p50"] == pytest.approx(30.0, abs=0.1)
    assert ages_s["p90"] == pytest.approx(54.0, abs=0.1)


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=50), st.sampled_from([0.5, 0.9, 0.99]))
def test_quantile_is_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    bounds = [1.0, 10.0, 100.0, 1e3, 1e4]
    places = np.searchsorted(bounds, values)
    found = quantile(np.bincount(places, minlength=6), bounds, share)
    true = float(np.quantile(values, share, method="inverted_cdf"))
    place = min(int(np.searchsorted(bounds, true)), 4)
    low = ([0.0, *bounds])[place]
    assert low <= found <= bounds[place] or (true > 1e4 and found == 1e4)


async def test_readings_are_taken_in_the_background(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.freshness.STEP_S", 0.0)
    lane.counted.covered([1, 0, 0, 0, 0])
    lane.clock.now += 1.0
    task = asyncio.create_task(lane.freshness.run())
    for _ in range(3):
        await asyncio.sleep(0)
    lane.clock.now += 400.0
    assert coverage(lane.freshness.windows()["5m"]).candidates == 0
    task.cancel()
