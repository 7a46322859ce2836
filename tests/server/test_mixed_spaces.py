"""A student whose space is not the one that the cache was filled in."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import redis

from cache.demand_keys import SHARDS, ShardKeys, shard_of
from tests.bundles import NOW_MS, SPACE, linear_student, rank_body, tiny_catalogue, tiny_users
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.loaded_cache import clear, page_of, records_of, write

pytestmark = pytest.mark.redis
OTHER_SPACE = "0" * 16
BODY = rank_body("user-1", 20, timestamp_ms=NOW_MS)


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """Of the same width, so that only the name of the space keeps it from reading."""
    tiny_catalogue().save(tmp_path / "catalogue.safetensors")
    return linear_student(tmp_path, space=OTHER_SPACE)


def fill(url: str) -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(20, 8)).astype(np.float32)
    logit = rng.normal(size=(20, 2)).astype(np.float32)
    write(url, page_of("user-1", BODY["item_ids"], z, logit, NOW_MS - 60_000))


def rank(client: httpx.Client) -> dict[str, Any]:
    return dict(client.post("/v1/rank", json=BODY).raise_for_status().json())


def test_hints_of_another_space_are_misses(stranger: Path, redis_url: str) -> None:
    clear(redis_url)
    write(redis_url, records_of(tiny_users()))
    with live_gateway(settings_for(stranger, redis_url=redis_url)) as client:
        cold = rank(client)
        fill(redis_url)
        filled = rank(client)
    assert filled["coverage"]["none"] == 1.0
    assert filled["scores"] == cold["scores"]


def test_misses_are_asked_of_its_own_teacher(stranger: Path, redis_url: str) -> None:
    clear(redis_url)
    write(redis_url, records_of(tiny_users()))
    fill(redis_url)
    with live_gateway(settings_for(stranger, redis_url=redis_url)) as client:
        rank(client)
        with redis.Redis.from_url(redis_url) as direct:
            shard = shard_of("user-1", SHARDS)
            asked = ShardKeys.of(OTHER_SPACE, shard).stream
            wait_until(lambda: direct.xlen(asked), "a demand message")
            assert direct.exists(ShardKeys.of(SPACE, shard).stream) == 0
