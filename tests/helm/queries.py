"""Series and labels that PromQL names, by a real parser of it."""

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import promql_parser

from tests.helm.charts import CHART, NAME, NAMESPACE, Object, Objects

VARIABLES: Final = {
    "$__rate_interval": "1m", "$namespace": NAMESPACE, "$understudy": NAME, "$model": ".*",
    "$lane": ".*",
}  # fmt: skip
"""What Grafana may write in their place."""


class Selector(NamedTuple):
    series: str
    labels: dict[str, str]


def plain(query: str) -> str:
    """As Grafana asks for it."""
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


def selectors(query: str) -> list[Selector]:
    """Raises ValueError for what Prometheus would refuse."""
    found: list[Selector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            labels = {each.name: each.value for each in node.matchers.matchers}
            found.append(Selector(str(node.name), labels))

    promql_parser.walk(promql_parser.parse(plain(query)), visit)
    return found


def groupings(query: str) -> set[str]:
    """Labels that results are told apart by."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            found.update(node.modifier.labels)

    promql_parser.walk(promql_parser.parse(plain(query)), visit)
    return found


def rules_of(objects: Objects) -> list[Object]:
    """Of all groups: what is recorded, and alerts."""
    groups = objects.one("PrometheusRule", "rules")["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def rule_queries(objects: Objects) -> dict[str, str]:
    """By name of the alert, or of the series that is recorded."""
    return {rule.get("alert") or rule["record"]: rule["expr"] for rule in rules_of(objects)}


def scaling_queries(objects: Objects) -> dict[str, str]:
    return {
        f"{name} {number}": trigger["metadata"]["query"]
        for name, each in objects.of("ScaledObject").items()
        for number, trigger in enumerate(each["spec"]["triggers"])
    }


def dashboard() -> dict[str, Any]:
    told: dict[str, Any] = json.loads((CHART / "files/dashboard.json").read_text("utf-8"))
    return told


def panels() -> list[Object]:
    """Without the rows that they stand in."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def dashboard_queries() -> Iterator[tuple[str, str]]:
    for panel in panels():
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
