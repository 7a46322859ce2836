"""Monitors select what exists, and rules have the bounds of the values."""

from typing import Any

import pytest

from tests.helm.charts import Objects, container, objects_of, over, pod_of, rendered, values_of
from tests.helm.queries import rule_queries

PROD = objects_of("prod")


def _labels(objects: Objects, role: str) -> dict[str, str]:
    told: dict[str, str] = objects.one("Deployment", role)["spec"]["template"]["metadata"]["labels"]
    return told


def test_the_service_monitor_selects_the_gateways_service() -> None:
    monitor, service = PROD.one("ServiceMonitor", "gateway"), PROD.one("Service", "gateway")
    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["relabelings"] == [
        {"targetLabel": "understudy", "replacement": "ads-understudy"}
    ]


def test_the_pod_monitor_selects_what_works_behind_the_cache() -> None:
    spec = PROD.one("PodMonitor", "backstage")["spec"]
    [wanted] = spec["selector"]["matchExpressions"]
    for role in ("refresher", "ingest", "archive"):
        labels = _labels(PROD, role)
        assert spec["selector"]["matchLabels"].items() <= labels.items()
        assert labels[wanted["key"]] in wanted["values"]
        ports = container(pod_of(PROD, "Deployment", role), role)["ports"]
        assert spec["podMetricsEndpoints"][0]["port"] in {port["name"] for port in ports}


def test_a_gateway_with_tls_is_read_over_tls() -> None:
    monitor = objects_of("external-redis-tls").one("ServiceMonitor", "gateway")
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["scheme"] == "https"
    assert endpoint["tlsConfig"]["ca"]["secret"]["name"] == "understudy-tls"
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


@pytest.mark.parametrize(
    ("asked", "bound"), [({}, "> 0.025"), ({"p99Ms": 40}, "> 0.04")]
)  # fmt: skip
def test_the_bound_of_latency_is_that_of_the_values(asked: dict[str, Any], bound: str) -> None:
    values = over(values_of("prod"), {"monitoring": {"rules": asked}})
    assert rule_queries(rendered(values))["UnderstudyAnswersLate"].endswith(bound)


def test_without_a_bound_the_deadline_is_one() -> None:
    values = over(values_of("minimal"), {"monitoring": {"rules": {"enabled": True}}})
    assert rule_queries(rendered(values))["UnderstudyAnswersLate"].endswith("> 0.1")


def test_nothing_is_watched_unless_asked_for() -> None:
    kinds = {each["kind"] for each in objects_of("minimal").all}
    assert not kinds & {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
    assert "dashboard" not in objects_of("minimal").of("ConfigMap")
