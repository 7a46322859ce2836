"""Who may reach whom, as a cluster would decide it from the rendered policies."""

from typing import Any, Final

import pytest

from tests.helm.charts import Object, Objects, objects_of, over, rendered, values_of

PORTS: Final = {"http": 8080, "grpc": 9000, "metrics": 9100, "valkey": 6379, "bus": 16379,
                "triton-grpc": 8001, "triton-metrics": 8002}  # fmt: skip
OUTSIDE: Final = "outside"


def may_reach(objects: Objects, caller: str, called: str, port: str) -> bool:
    """By component; `outside` is what no policy speaks of."""
    sends = caller == OUTSIDE or _allows(objects, caller, "egress", "to", called, port)
    takes = called == OUTSIDE or _allows(objects, called, "ingress", "from", caller, port)
    return sends and takes


def _allows(objects: Objects, own: str, way: str, peers: str, other: str, port: str) -> bool:
    policies = objects.of("NetworkPolicy")
    return own not in policies or any(
        _names(rule.get(peers), other) and _opens(rule.get("ports"), port)
        for rule in policies[own]["spec"][way]
    )


def _names(peers: list[Object] | None, other: str) -> bool:
    return peers is None or any(_is_meant(peer, other) for peer in peers)


def _is_meant(peer: Object, other: str) -> bool:
    if other == OUTSIDE:
        return "podSelector" not in peer
    labels = peer.get("podSelector", {}).get("matchLabels", {})
    return bool(labels) and labels.get("app.kubernetes.io/component", other) == other


def _opens(ports: list[Object] | None, port: str) -> bool:
    return ports is None or any(each["port"] in (port, PORTS.get(port)) for each in ports)


FLOWS: Final = [
    ("prod", "outside", "gateway", "http"),
    ("prod", "test", "gateway", "http"),
    ("prod", "outside", "refresher", "metrics"),
    ("triton", "gateway", "valkey", "valkey"),
    ("triton", "refresher", "valkey", "valkey"),
    ("triton", "ingest", "valkey", "valkey"),
    ("cluster", "valkey", "valkey", "bus"),
    ("cluster", "forming", "valkey", "valkey"),
    ("cluster", "gateway", "triton", "triton-grpc"),
    ("cluster", "refresher", "triton", "triton-grpc"),
    ("cluster", "archive", "valkey", "valkey"),
    ("cluster", "outside", "gateway", "grpc"),
]
CLOSED: Final = [
    ("triton", "outside", "valkey", "valkey"),
    ("triton", "valkey", "outside", "valkey"),
    ("triton", "gateway", "refresher", "http"),
    ("cluster", "outside", "triton", "triton-grpc"),
    ("cluster", "outside", "valkey", "bus"),
    ("cluster", "gateway", "valkey", "bus"),
    ("cluster", "ingest", "triton", "triton-grpc"),
    ("cluster", "triton", "valkey", "valkey"),
    ("prod", "refresher", "gateway", "http"),
]


@pytest.mark.parametrize(("mode", "caller", "called", "port"), FLOWS)
def test_what_is_needed_is_open(mode: str, caller: str, called: str, port: str) -> None:
    assert may_reach(objects_of(mode), caller, called, port)


@pytest.mark.parametrize(("mode", "caller", "called", "port"), CLOSED)
def test_the_rest_is_shut(mode: str, caller: str, called: str, port: str) -> None:
    assert not may_reach(objects_of(mode), caller, called, port)


@pytest.mark.parametrize("mode", ["prod", "triton", "cluster", "external-redis-tls"])
def test_every_pod_has_a_policy(mode: str) -> None:
    objects = objects_of(mode)
    pods = {pod["serviceAccountName"].removeprefix("ads-understudy-") for _, pod in objects.pods()}
    assert pods <= objects.of("NetworkPolicy").keys()


def test_names_of_ports_are_those_of_containers(objects: Objects) -> None:
    for _, pod in objects.pods():
        every = [*pod.get("initContainers", []), *pod["containers"]]
        for port in (port for each in every for port in each.get("ports", [])):
            assert PORTS.get(port["name"], port["containerPort"]) == port["containerPort"]


def test_an_external_cache_is_reached_where_it_is() -> None:
    rules = objects_of("external-redis-tls").one("NetworkPolicy", "gateway")["spec"]["egress"]
    assert {"ports": [{"port": 6380}]} in rules
    rules = objects_of("prod").one("NetworkPolicy", "gateway")["spec"]["egress"]
    assert {"ports": [{"port": 6379}], "to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]} in rules


def test_policies_are_asked_for() -> None:
    assert objects_of("gpu").of("NetworkPolicy") == {}
    off: dict[str, Any] = {"networkPolicy": {"enabled": False}}
    assert rendered(over(values_of("cluster"), off)).of("NetworkPolicy") == {}
