"""What a backstage process counts; read by its log lines and its /metrics."""

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cache.refresh.series.kind import Series
from cache.refresh.series.roles import SERIES


class Tally(Collector):
    """`understudy_<role>_<name>_total{outcome=…}`, `understudy_<role>_<level>`, and levels of
    several things, `understudy_<role>_<level>{<label>=…}`, which log lines leave out. What each
    means is said in cache/refresh/series."""

    def __init__(self, role: str) -> None:
        self._role = role
        self._series: Mapping[str, Series] = SERIES.get(role, {})
        self.counts: Counter[tuple[str, str]] = Counter()
        self.levels: dict[str, float] = {}
        self.labelled: dict[tuple[str, str], Mapping[str, float]] = {}
        """(level, label) → value by the label's value."""

    def add(self, name: str, outcome: str, amount: float) -> None:
        if amount:
            self.counts[name, outcome] += amount  # type: ignore[assignment]

    def flat(self) -> dict[str, float]:
        counted = {f"{name}.{outcome}": round(v, 3) for (name, outcome), v in self.counts.items()}
        return dict(sorted(counted.items())) | self.levels

    def collect(self) -> Iterator[Metric]:
        by_name: dict[str, CounterMetricFamily] = {}
        for (name, outcome), amount in self._counted().items():
            family = by_name.setdefault(name, self._counter(name))
            family.add_metric([outcome], amount)
        yield from by_name.values()
        for level, value in list(self.levels.items()):
            yield GaugeMetricFamily(self._full(level), self._help(level), value)
        for (level, label), values in list(self.labelled.items()):
            gauge = GaugeMetricFamily(self._full(level), self._help(level), labels=[label])
            for labelled, value in values.items():
                gauge.add_metric([labelled], value)
            yield gauge

    def _counted(self) -> dict[tuple[str, str], float]:
        """With 0 of what was not counted yet."""
        counted: dict[tuple[str, str], float] = {
            (name, outcome): 0.0
            for name, series in self._series.items()
            if series.kind == "counter" and series.is_always
            for outcome in series.labels["outcome"]
        }
        return counted | dict(list(self.counts.items()))

    def _counter(self, name: str) -> CounterMetricFamily:
        return CounterMetricFamily(self._full(name), self._help(name), labels=["outcome"])

    def _full(self, name: str) -> str:
        return f"understudy_{self._role}_{name}"

    def _help(self, name: str) -> str:
        return self._series[name].help if name in self._series else name
