"""The doctor over a cluster, with the rights that the docs give gateway and operator."""

from collections.abc import Iterator

import pytest

from server.doctor.examination import CHECKS
from server.doctor.finding import Finding
from tests.cache.cluster.nodes import Cluster
from tests.cache.cluster.test_rights import rules, url_of
from tests.server.doctor.subjects import of_redis

pytestmark = pytest.mark.redis

OWN = ("redis", "redis clock", "rights", "latency", "ingest", "events stream", "rollout")
ALL = ("redis version", "eviction", "memory", "persistence", "dead letters")


@pytest.fixture(scope="module")
def guarded(cluster: Cluster) -> Iterator[Cluster]:
    for server in cluster.servers:
        for rule in rules():
            server.call("ACL", "SETUSER", *rule)
    yield cluster
    for server in cluster.servers:
        server.call("ACL", "DELUSER", *(name for name, *_ in rules()))


async def findings(cluster: Cluster, role: str, names: tuple[str, ...]) -> dict[str, Finding]:
    told = await of_redis(url_of(cluster, role), *names)
    in_order = [check.name for check in CHECKS if check.name in names]
    return dict(zip(in_order, told, strict=True))


async def test_least_rights_of_a_gateway_are_enough_for_what_concerns_it(guarded: Cluster) -> None:
    told = await findings(guarded, "gateway", OWN)
    assert {finding.verdict for finding in told.values()} == {"ok"}, told
    assert (await findings(guarded, "gateway", ("eviction",)))["eviction"].verdict == "skip"


async def test_operator_is_told_of_every_master(guarded: Cluster) -> None:
    told = await findings(guarded, "operator", ALL)
    verdicts = {name: finding.verdict for name, finding in told.items()}
    assert "fail" not in verdicts.values(), told
    assert verdicts["eviction"] == verdicts["redis version"] == verdicts["dead letters"] == "ok"
    guarded.servers[0].call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        told = await findings(guarded, "operator", ("eviction",))
    finally:
        guarded.servers[0].call("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert told["eviction"].verdict == "fail"
