"""Traces leave the gateways, and nothing else may."""

from typing import Any

import pytest

from tests.helm.charts import ALONE, container, env_of, objects_of, over, pod_of, rendered

NAME = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"


def traced(endpoint: str) -> dict[str, Any]:
    tracing = {"ratio": 0.5, "endpoint": endpoint}
    return over(ALONE, {"gateway": {"tracing": tracing}, "networkPolicy": {"enabled": True}})


def test_ratio_endpoint_and_headers_reach_the_gateway() -> None:
    objects = objects_of("prod")
    config = objects.one("ConfigMap", "gateway")["data"]
    assert config["UNDERSTUDY_TRACE_RATIO"] == "0.01"
    assert config["UNDERSTUDY_TRACE_ENDPOINT"] == "http://collector.observability.svc:4318"
    env = env_of(container(pod_of(objects, "Deployment", "gateway"), "gateway"))
    assert env[NAME] == {"secretKeyRef": {"name": "understudy-collector", "key": "headers"}}


def test_without_a_ratio_a_gateway_knows_of_no_collector() -> None:
    objects = rendered(over(ALONE, {"gateway": {"tracing": {"endpoint": "http://a:4318"}}}))
    assert not [key for key in objects.one("ConfigMap", "gateway")["data"] if "TRACE" in key]
    assert NAME not in env_of(container(pod_of(objects, "Deployment", "gateway"), "gateway"))


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [("http://a:4318", 4318), ("https://a.example.com/v1/traces", 443), ("http://a", 80)],
)
def test_the_policy_opens_the_port_of_the_endpoint(endpoint: str, port: int) -> None:
    rules = rendered(traced(endpoint)).one("NetworkPolicy", "gateway")["spec"]["egress"]
    assert {"ports": [{"port": port}]} in rules


def test_the_policy_opens_it_to_the_collector_and_for_gateways_alone() -> None:
    objects = objects_of("prod")
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "observability"}}}
    rule = {"ports": [{"port": 4318}], "to": [peer]}
    for name, policy in objects.of("NetworkPolicy").items():
        assert (rule in policy["spec"]["egress"]) is (name == "gateway")
