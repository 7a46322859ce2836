"""Prints the page of all series: `python -m server.metrics_page > docs/metrics.md`.

Names, types and helps are those of the code that counts; what to make of each stands in
server/guide and cache/refresh/series.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from cache.refresh.series.kind import Series
from cache.refresh.series.roles import SERIES, full_name
from server.access.door import AccessMetrics
from server.guide.gateway import GUIDE
from server.guide.guide import Guide, Values
from server.metrics import Metrics
from server.tracing.opening import dropped_spans
from server.workers.pages import counted

HEADER: Final = """\
# Metrics

Every series of every process, in Prometheus' terms. A gateway tells its own on `GET /metrics` of
its port, for all its workers; a process behind the cache on the port of `--metrics-port`
(`UNDERSTUDY_METRICS_PORT`), none without one. This page is printed by
`python -m server.metrics_page > docs/metrics.md`. [alerts.md](alerts.md) has what to do when one is
not as it should be, [observability.md](observability.md#metrics) how rules and dashboard read them.

- Counters begin at 0 with their process: take `rate()` or `increase()`, of each process by itself,
  and sum what comes of it.
- With several workers each series of a gateway has the label `worker`, its number, too.
- A label whose values are in *italics* has others than can be named beforehand; all are bounded.
"""
TABLE: Final = """\
| series | type | labels | unit | what it is | what to make of it |
|---|---|---|---|---|---|
"""
ROLES: Final = {
    "refresh": "Refreshers: `understudy refresh`",
    "ingest": "Ingest: `understudy ingest`",
    "archive": "Archive: `understudy archive`",
    "worth": "Worth of hints: `understudy worth`",
    "neighbours": "Neighbours: `understudy neighbours`",
}


class Row(NamedTuple):
    name: str
    kind: str
    labels: Mapping[str, Values]
    unit: str
    help: str
    use: str

    def text(self) -> str:
        labels = "; ".join(f"`{name}`: {_shown(values)}" for name, values in self.labels.items())
        cells = (f"`{self.name}`", self.kind, labels, self.unit, self.help, self.use)
        return f"| {' | '.join(cells)} |\n"


def page() -> str:
    told = gateway_families()
    parts = [HEADER, "\n## Gateways\n"]
    for heading, guides in GUIDE.items():
        rows = [_of_gateway(told[name], name, guide) for name, guide in guides.items()]
        parts.append(_table(f"### {heading}", rows))
    for role, heading in ROLES.items():
        rows = [_backstage(role, name, series) for name, series in SERIES[role].items()]
        parts.append(_table(f"## {heading}", rows))
    return "".join(parts)


def gateway_families() -> dict[str, Metric]:
    """By name of the series, those that only show under some settings too."""
    metrics = Metrics()
    AccessMetrics().register(metrics.registry)
    return {_name(family): family for family in _families(metrics)}


def _families(metrics: Metrics) -> Iterator[Metric]:
    feeds = metrics.feeds
    yield from metrics.registry.collect()
    # Tallies show nothing before there is anything to show.
    late = (feeds.demand, feeds.served, feeds.mirrored, metrics.catalogue.updates,
            metrics.rollouts.evidence)  # fmt: skip
    for tally in late:
        yield from tally.describe()
    yield from dropped_spans().collect()
    yield from text_string_to_metric_families(counted(1, 0).decode())


def _name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _of_gateway(family: Metric, name: str, guide: Guide) -> Row:
    told = f"{family.documentation}; {guide.when}" if guide.when else family.documentation
    return Row(name, family.type, guide.labels, guide.unit, told, guide.use)


def _backstage(role: str, name: str, series: Series) -> Row:
    labels = {label: values or "its number" for label, values in series.labels.items()}
    full = full_name(role, name, series)
    return Row(full, series.kind, labels, series.unit, series.help, series.use)


def _table(heading: str, rows: Sequence[Row]) -> str:
    return f"\n{heading}\n\n{TABLE}{''.join(row.text() for row in rows)}"


def _shown(values: Values) -> str:
    return f"*{values}*" if isinstance(values, str) else ", ".join(values)


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
