"""The doctor over a cluster, with the rights that the docs give gateway and operator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cache.connection import connect
from cache.demand_keys import SHARDS
from cache.events import Event, EventFeed
from cache.keys import EVENTS_STREAM
from cache.redis_demand import RedisDemand
from cache.redis_streams import RedisStreams
from cache.refresh.lease import Leases
from cache.refresh.roster import Roster
from server.doctor.examination import CHECKS
from server.doctor.finding import Finding
from tests.bundles import SPACE
from tests.cache.cluster.nodes import Cluster
from tests.cache.cluster.test_rights import BODY
from tests.server.doctor.subjects import of_redis, reading

pytestmark = pytest.mark.redis

OWN = ("redis", "redis clock", "rights", "latency", "refreshers", "leases", "demand", "ingest",
       "events stream", "rollout")  # fmt: skip
ALL = tuple(check.name for check in CHECKS if check.needs in ("redis url", "redis", "space"))


@asynccontextmanager
async def work_of(cluster: Cluster) -> AsyncIterator[None]:
    """A refresher, events and demand, as the least of deployments has them."""
    cluster.flush()
    client: Any = connect(cluster.url)
    streams = RedisStreams(client)
    await RedisDemand(client, SPACE).append({3: [BODY]}, 10)
    await Roster(client, SPACE, b"alive", shards=SHARDS, ttl_ms=60_000).beat()
    assert len(await Leases(client, SPACE, b"alive", 60_000).acquire(range(SHARDS))) == SHARDS
    await streams.ensure_group(EVENTS_STREAM, b"ingest")
    await EventFeed(streams).append([Event("e", "click", "a", "i", 1)])
    yield
    await client.aclose()


async def findings(cluster: Cluster, role: str, names: tuple[str, ...]) -> dict[str, Finding]:
    url = cluster.url.replace("://", f"://{role}:{role}-password@")
    told = await of_redis(url, *names, told=reading(SPACE), is_own_user=role == "gateway")
    in_order = [check.name for check in CHECKS if check.name in names]
    return dict(zip(in_order, told, strict=True))


async def test_least_rights_of_a_gateway_are_enough_for_what_concerns_it(guarded: Cluster) -> None:
    async with work_of(guarded):
        told = await findings(guarded, "gateway", OWN)
    assert {finding.verdict for finding in told.values()} == {"ok"}, told
    assert (await findings(guarded, "gateway", ("eviction",)))["eviction"].verdict == "skip"


async def test_operator_may_make_every_check_of_redis(guarded: Cluster) -> None:
    async with work_of(guarded):
        told = await findings(guarded, "operator", ALL)
    verdicts = {name: finding.verdict for name, finding in told.items()}
    assert verdicts.pop("rights") == "skip"  # which are the gateway's
    assert verdicts.pop("persistence") == verdicts.pop("memory") == "warn", told
    assert set(verdicts.values()) == {"ok"}, told
    guarded.servers[0].call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        eviction = (await findings(guarded, "operator", ("eviction",)))["eviction"]
    finally:
        guarded.servers[0].call("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert eviction.verdict == "fail"
