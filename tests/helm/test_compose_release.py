"""What compose.yaml starts does start, and works together, without a container engine."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from tests.bundles import rank_body, serving_folder
from tests.helm.composed import OURS, Machine, composed
from tests.helm.live_release import wait_until

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    serving = serving_folder(tmp_path_factory.mktemp("serving"))
    with composed(serving, tmp_path_factory.mktemp("compose")) as machine:
        wait_until(machine.is_healthy, "the gateway's own check of health")
        yield machine


def rank(machine: Machine) -> dict[str, Any]:
    body = rank_body("user-1", 20, deadline_ms=20_000)
    answer = httpx.post(f"{machine.url}/v1/rank", json=body, timeout=30.0)
    return dict(answer.raise_for_status().json())


def test_ingest_loads_the_users_of_the_folder(machine: Machine) -> None:
    with redis.Redis("127.0.0.1", machine.redis_port) as client:
        wait_until(lambda: bool(client.keys("us:u:*")), "a user in Valkey")
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "volatile-lru"
        assert client.config_get("save")["save"].endswith("300 1000")


def test_the_teachers_word_comes_back_through_the_cache(machine: Machine) -> None:
    """Demand of the gateway, refresher, page, and the gateway's next read."""
    wait_until(lambda: rank(machine)["coverage"]["pair"] > 0.5, "hints of the refresher")


def test_each_ends_in_order_when_it_is_told_to(machine: Machine) -> None:
    """Last: nobody asks after it."""
    assert machine.end() == dict.fromkeys(OURS, 0)
