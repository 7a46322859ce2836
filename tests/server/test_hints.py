"""What the teacher said, read from a real cache and asked for again."""

from typing import Any

import httpx
import numpy as np
import pytest
import redis

from cache.demand import HIT, MISS, decode
from cache.demand_keys import SHARDS, ShardKeys, shard_of
from cache.keys import page_key
from models.features.hashing import keys64
from models.schema import TIERS
from tests.bundles import NOW_MS, SPACE, rank_body, tiny_users
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.loaded_cache import clear, page_of, records_of, write

pytestmark = pytest.mark.redis
BODY = rank_body("user-1", 20, timestamp_ms=NOW_MS)
ITEMS: list[str] = BODY["item_ids"]


@pytest.fixture(autouse=True)
def cache(redis_url: str) -> None:
    """Hints for the first ten candidates, a minute old."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(10, 8)).astype(np.float32)
    logit = rng.normal(size=(10, 2)).astype(np.float32)
    clear(redis_url)
    write(redis_url, records_of(tiny_users()))
    write(redis_url, page_of("user-1", ITEMS[:10], z, logit, NOW_MS - 60_000))


def rank(client: httpx.Client, **change: Any) -> dict[str, Any]:
    return dict(client.post("/v1/rank", json=BODY | change).raise_for_status().json())


def test_coverage_is_by_tier(served: Served, redis_url: str) -> None:
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        answer = rank(client)
    assert answer["coverage"] == dict.fromkeys(TIERS, 0.0) | {"pair": 0.5, "user": 0.5}
    assert answer["teacher_age_s"] == 60.0
    assert answer["degraded"] == []


def test_hint_of_another_context_is_not_used(served: Served, redis_url: str) -> None:
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        answer = rank(client, context={"placement": "story", "slot_width": 320})
    assert answer["coverage"]["pair"] == 0.0


def test_hints_past_the_hard_ttl_are_gone_and_past_the_soft_one_named(
    served: Served, redis_url: str
) -> None:
    stale = settings_for(served.student, redis_url=redis_url, soft_ttl_s=30.0)
    with live_gateway(stale) as client:
        assert rank(client)["coverage"]["pair"] == 0.5
        assert rank(client)["degraded"] == [{"stage": "cache", "reason": "stale"}]
    gone = settings_for(served.student, redis_url=redis_url, soft_ttl_s=30.0, hard_ttl_s=50.0)
    with live_gateway(gone) as client:
        assert rank(client)["coverage"]["none"] == 1.0


def test_teacher_cache_off_reads_the_record_and_no_hints(served: Served, redis_url: str) -> None:
    off = settings_for(served.student, redis_url=redis_url, teacher_cache=False)
    with live_gateway(off) as client:
        without = rank(client)
        with redis.Redis.from_url(redis_url) as direct:
            direct.delete(*direct.keys("us:p:*"))
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        cold = rank(client)
    assert without["coverage"]["none"] == 1.0
    assert without["scores"] == cold["scores"]


def test_diversity_uses_the_embeddings_that_were_read(served: Served, redis_url: str) -> None:
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        plain, diverse = rank(client), rank(client, diversity=0.9)
    assert diverse["degraded"] == []
    assert diverse["item_ids"] != plain["item_ids"]
    assert sorted(diverse["scores"]) == sorted(plain["scores"])


def test_misses_are_asked_for_once_with_the_students_score(served: Served, redis_url: str) -> None:
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        answers = [rank(client, item_ids=[*ITEMS, "never-seen"]) for _ in range(3)]
        with redis.Redis.from_url(redis_url) as direct:
            stream = ShardKeys.of(SPACE, shard_of("user-1", SHARDS)).stream
            wait_until(lambda: direct.xlen(stream), "a demand message")
            metrics = client.get("/metrics").text
            messages = direct.xrange(stream)
    assert 'understudy_demand_total{outcome="offered"} 3.0' in metrics
    (_, fields), *more = messages
    assert not more
    demand = decode(next(iter(fields.values()))).demand
    assert (demand.user_id, demand.as_of_ms) == ("user-1", NOW_MS)
    assert demand.item_keys.tolist() == keys64(ITEMS[10:]).tolist()
    scores = dict(zip(answers[0]["item_ids"], answers[0]["scores"], strict=True))
    expected = np.array([scores[item_id] for item_id in ITEMS[10:]], np.float32)
    assert demand.scores.tolist() == expected.tolist()


def test_a_damaged_page_is_asked_for_anew(served: Served, redis_url: str) -> None:
    stream = ShardKeys.of(SPACE, shard_of("user-1", SHARDS)).stream
    with redis.Redis.from_url(redis_url) as direct:
        direct.set(page_key("user-1", SPACE), b"not a page")
        with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
            assert rank(client)["degraded"] == [{"stage": "cache", "reason": "corrupt"}]
            wait_until(lambda: direct.xlen(stream), "a demand message")
            [(_, fields)] = direct.xrange(stream)
    demand = decode(next(iter(fields.values()))).demand
    assert demand.item_keys.tolist() == keys64(ITEMS).tolist()


def test_hits_are_told_of_where_it_is_asked_for(served: Served, redis_url: str) -> None:
    settings = settings_for(served.student, redis_url=redis_url, demand_hits=True)
    stream = ShardKeys.of(SPACE, shard_of("user-1", SHARDS)).stream
    with live_gateway(settings) as client, redis.Redis.from_url(redis_url) as direct:
        for _ in range(2):
            rank(client, item_ids=[*ITEMS, "never-seen"])
        wait_until(lambda: direct.xlen(stream) == 2, "two demand messages")
        first, second = (
            decode(next(iter(fields.values()))).demand for _, fields in direct.xrange(stream)
        )
    assert first.item_keys.tolist() == keys64(ITEMS[10:]).tolist()
    assert second.item_keys.tolist() == []
    assert first.others is not None
    assert second.others is not None
    assert first.others.item_keys.tolist() == keys64(ITEMS[:10]).tolist()
    assert first.others.standing.tolist() == [MISS] * 10 + [HIT] * 10
    assert sorted(second.others.item_keys.tolist()) == sorted(keys64(ITEMS).tolist())


def test_student_without_a_teacher_asks_for_nothing(served: Served, redis_url: str) -> None:
    with live_gateway(settings_for(served.alone, redis_url=redis_url)) as client:
        assert rank(client)["coverage"]["none"] == 1.0
        assert "understudy_demand_total" not in client.get("/metrics").text
