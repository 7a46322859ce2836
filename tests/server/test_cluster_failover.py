"""A gateway on a cluster of which a master dies: every answer is 200 and names what is missing."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cache.redis_store import RedisStore
from tests.bundles import NOW_MS, rank_body, tiny_users
from tests.cache.cluster.nodes import Cluster, running_cluster, wait_until
from tests.cache.cluster.users import slot_of
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.loaded_cache import records_of

pytestmark = [pytest.mark.redis, pytest.mark.slow]

RECOVERED_S = 40.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as cluster:
        asyncio.run(_load(cluster.url))
        records = len(tiny_users().user_ids)
        wait_until(lambda: _held(cluster) == 2 * records, "the replicas to have the records")
        yield cluster


async def _load(url: str) -> None:
    store = RedisStore.open(url)
    await store.put_many(records_of(tiny_users()), None)
    await store.close()


def _held(cluster: Cluster) -> int:
    return sum(server.call("DBSIZE") for server in cluster.servers)


def degraded(client: httpx.Client, user: str) -> list[str]:
    body: dict[str, Any] = rank_body(user, 20, timestamp_ms=NOW_MS)
    answered = client.post("/v1/rank", json=body)
    assert answered.status_code == 200, answered.text
    assert len(answered.json()["item_ids"]) == 20
    return [f"{each['stage']}:{each['reason']}" for each in answered.json()["degraded"]]


def test_every_answer_is_200_and_only_users_of_the_lost_master_are_degraded(
    served: Served, cluster: Cluster
) -> None:
    settings = settings_for(served.student, redis_url=cluster.url, breaker_open_ms=100.0)
    users = [str(user) for user in tiny_users().user_ids]
    lost = cluster.master_of(slot_of(users[0]))
    spared = next(user for user in users if cluster.master_of(slot_of(user)) is not lost)
    with live_gateway(settings) as client:
        assert degraded(client, users[0]) == degraded(client, spared) == []
        lost.kill()
        seen: list[str] = []
        until = time.monotonic() + RECOVERED_S
        while reasons := degraded(client, users[0]):
            assert time.monotonic() < until, set(seen)
            seen += reasons
            assert degraded(client, spared) == []
            time.sleep(0.02)
        assert set(seen) <= {"cache:unavailable", "cache:open_breaker", "cache:timeout"}
        assert "cache:unavailable" in seen
        assert "understudy_breaker_open 0.0" in client.get("/metrics").text
