"""What a backstage process counts; read by its log lines and its /metrics."""

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Tally(Collector):
    """`understudy_<role>_<name>_total{outcome=…}`, `understudy_<role>_<level>`, and levels of
    several things, `understudy_<role>_<level>{<label>=…}`, which log lines leave out."""

    def __init__(self, role: str) -> None:
        self._role = role
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
        for (name, outcome), amount in list(self.counts.items()):
            family = by_name.setdefault(name, self._family(name))
            family.add_metric([outcome], amount)
        yield from by_name.values()
        for level, value in list(self.levels.items()):
            yield GaugeMetricFamily(f"understudy_{self._role}_{level}", level, value)
        for (level, label), values in list(self.labelled.items()):
            name, what = f"understudy_{self._role}_{level}", f"{level} by {label}"
            gauge = GaugeMetricFamily(name, what, labels=[label])
            for labelled, value in values.items():
                gauge.add_metric([labelled], value)
            yield gauge

    def _family(self, name: str) -> CounterMetricFamily:
        return CounterMetricFamily(
            f"understudy_{self._role}_{name}", f"{name} by outcome", labels=["outcome"]
        )
