"""Coverage and burn rates by window, worked out when Prometheus asks."""

from collections.abc import Iterable
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from server.freshness import Freshness, coverage
from server.objectives import burns

LANE: Final = ("lane", "version")


class FreshnessMetrics(Collector):
    """A window in which nothing was served has no sample: it neither meets nor misses anything."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, str], Freshness] = {}

    def watch(self, lane: str, version: str, freshness: Freshness) -> None:
        self._lanes[lane, version] = freshness

    def forget(self, freshness: Freshness) -> None:
        self._lanes = {lane: held for lane, held in self._lanes.items() if held is not freshness}

    def collect(self) -> Iterable[Metric]:
        shares = GaugeMetricFamily(
            "understudy_coverage_ratio",
            "Share of the candidates by where their hint came from, over a window",
            labels=["tier", "window", *LANE],
        )
        rates = GaugeMetricFamily(
            "understudy_freshness_burn_rate",
            "Share that falls short of the objective ÷ the share that may, over a window",
            labels=["objective", "window", *LANE],
        )
        targets = GaugeMetricFamily(
            "understudy_freshness_objective_ratio",
            "Share that is to be good",
            labels=["objective", *LANE],
        )
        for lane, freshness in self._lanes.items():
            windows = freshness.windows()
            for name, window in windows.items():
                for tier, share in coverage(window).shares.items():
                    shares.add_metric([tier, name, *lane], share)
            for objective in freshness.objectives:
                targets.add_metric([objective.name, *lane], objective.target)
                for name, burn in burns(objective, windows).items():
                    if burn is not None:
                        rates.add_metric([objective.name, name, *lane], burn)
        yield from (shares, rates, targets)
