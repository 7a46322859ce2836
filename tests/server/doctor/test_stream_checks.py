import time
from collections.abc import Iterator

import pytest
import redis

from cache.keys import DEAD_STREAM, EVENTS_STREAM
from server.doctor import stream_checks
from tests.server.doctor.subjects import of_redis
from tests.server.loaded_cache import clear

pytestmark = pytest.mark.redis


@pytest.fixture
def direct(redis_url: str) -> Iterator[redis.Redis]:
    clear(redis_url)
    with redis.Redis.from_url(redis_url) as client:
        yield client


def add(direct: redis.Redis, stream: bytes, age_s: float) -> None:
    direct.xadd(stream, {b"b": b"body"}, id=f"{round((time.time() - age_s) * 1000)}-*")


async def test_events_that_nobody_counts_are_a_failure(redis_url: str, direct: redis.Redis) -> None:
    assert (await of_redis(redis_url, "ingest"))[0].verdict == "ok"
    add(direct, EVENTS_STREAM, 1.0)
    [finding] = await of_redis(redis_url, "ingest")
    assert finding.verdict == "fail"
    assert "nobody has ever counted one" in finding.found
    assert "understudy ingest" in finding.remedy


@pytest.mark.parametrize(("age_s", "verdict"), [(2.0, "ok"), (120.0, "warn"), (1000.0, "fail")])
async def test_ingest_lag(redis_url: str, direct: redis.Redis, age_s: float, verdict: str) -> None:
    add(direct, EVENTS_STREAM, age_s)
    direct.xgroup_create(EVENTS_STREAM, "ingest", id="0")
    [finding] = await of_redis(redis_url, "ingest")
    assert finding.verdict == verdict, finding


@pytest.mark.parametrize(("most", "verdict"), [(100, "ok"), (16, "warn"), (10, "fail")])
async def test_events_stream_near_its_bound(
    redis_url: str, direct: redis.Redis, monkeypatch: pytest.MonkeyPatch, most: int, verdict: str
) -> None:
    monkeypatch.setattr(stream_checks, "MAX_MESSAGES", most)
    for _ in range(10):
        add(direct, EVENTS_STREAM, 1.0)
    [finding] = await of_redis(redis_url, "events stream")
    assert (finding.verdict, finding.found.startswith(f"10 of {most} ")) == (verdict, True)


async def test_dead_letters_of_today_are_a_warning(redis_url: str, direct: redis.Redis) -> None:
    assert (await of_redis(redis_url, "dead letters"))[0].verdict == "ok"
    add(direct, DEAD_STREAM, 200_000.0)
    assert (await of_redis(redis_url, "dead letters"))[0].verdict == "ok"
    add(direct, DEAD_STREAM, 5.0)
    [finding] = await of_redis(redis_url, "dead letters")
    assert (finding.verdict, finding.found[:10]) == ("warn", "2 messages")
