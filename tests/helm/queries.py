"""Series and labels that PromQL names, by a real parser of it."""

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import promql_parser

from tests.helm.charts import CHART, Objects

RATE_INTERVAL: Final = "$__rate_interval"
"""Grafana writes a duration in its place."""


class Selector(NamedTuple):
    series: str
    labels: dict[str, str]


def selectors(query: str) -> list[Selector]:
    """Raises ValueError for what Prometheus would refuse."""
    found: list[Selector] = []

    def visit(node: promql_parser.Expr) -> None:
        vector = node.vector_selector if isinstance(node, promql_parser.MatrixSelector) else node
        if isinstance(vector, promql_parser.VectorSelector):
            labels = {each.name: each.value for each in vector.matchers.matchers}
            found.append(Selector(str(vector.name), labels))

    promql_parser.walk(promql_parser.parse(query.replace(RATE_INTERVAL, "5m")), visit)
    return found


def groupings(query: str) -> set[str]:
    """Labels that results are told apart by."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            found.update(node.modifier.labels)

    promql_parser.walk(promql_parser.parse(query.replace(RATE_INTERVAL, "5m")), visit)
    return found


def rule_queries(objects: Objects) -> dict[str, str]:
    groups = objects.one("PrometheusRule", "rules")["spec"]["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def scaling_queries(objects: Objects) -> dict[str, str]:
    return {
        f"{name} {number}": trigger["metadata"]["query"]
        for name, each in objects.of("ScaledObject").items()
        for number, trigger in enumerate(each["spec"]["triggers"])
    }


def dashboard() -> dict[str, Any]:
    told: dict[str, Any] = json.loads((CHART / "files/dashboard.json").read_text("utf-8"))
    return told


def dashboard_queries() -> Iterator[tuple[str, str]]:
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
