"""A real server that is wrong in one way at a time."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from cache.embedded import EmbeddedValkey
from server.doctor import redis_checks
from server.doctor.subject import Subject
from server.settings import Settings
from tests.server.doctor.subjects import findings, of_redis
from tests.server.live import wait_until
from tests.server.test_redis_down import closed_port

pytestmark = pytest.mark.redis


@contextmanager
def configured(url: str, **settings: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        names = {name: name.replace("_", "-") for name in settings}
        before = {name: client.config_get(names[name])[names[name]] for name in settings}
        for name, value in settings.items():
            client.config_set(names[name], value)
        yield client
        for name, value in before.items():
            client.config_set(names[name], value)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "own") as valkey:
        yield valkey


async def test_policy_that_may_evict_streams_is_a_failure(redis_url: str) -> None:
    with configured(redis_url, maxmemory_policy="allkeys-lru"):
        [finding] = await of_redis(redis_url, "eviction")
    assert finding.verdict == "fail"
    assert "allkeys-lru may evict streams" in finding.found
    assert "volatile-lru" in finding.remedy
    assert (await of_redis(redis_url, "eviction"))[0].verdict == "ok"


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [("noeviction", "ok"), ("volatile-lfu", "ok"), ("volatile-ttl", "warn"),
     ("volatile-random", "warn")],
)  # fmt: skip
async def test_policy_that_may_evict_a_lease_in_use_is_a_warning(
    redis_url: str, policy: str, verdict: str
) -> None:
    with configured(redis_url, maxmemory_policy=policy):
        [finding] = await of_redis(redis_url, "eviction")
    assert (finding.verdict, "leases" in finding.found) == (verdict, verdict == "warn")


async def test_memory_without_a_bound_is_a_warning(redis_url: str) -> None:
    with configured(redis_url, maxmemory="0"):
        [finding] = await of_redis(redis_url, "memory")
    assert (finding.verdict, "maxmemory" in finding.remedy) == ("warn", True)


@pytest.mark.parametrize(("policy", "verdict"), [("noeviction", "fail"), ("volatile-lru", "warn")])
async def test_full_memory(own: EmbeddedValkey, policy: str, verdict: str) -> None:
    with configured(own.url, maxmemory_policy=policy) as client:
        client.set("us:u:{x}", "x" * 8_000_000)
        used = int(client.info("memory")["used_memory"])
        client.config_set("maxmemory", str(round(used * 1.01)))
        [finding] = await of_redis(own.url, "memory")
    assert (finding.verdict, finding.found[-len("of maxmemory is used") :]) == (
        verdict, "of maxmemory is used",
    )  # fmt: skip


async def test_server_that_saves_nothing_is_a_warning(redis_url: str) -> None:
    with configured(redis_url, save=""):
        [finding] = await of_redis(redis_url, "persistence")
    assert finding.verdict == "warn"
    assert "nothing is ever saved" in finding.found
    with configured(redis_url, save="3600 1"):
        assert (await of_redis(redis_url, "persistence"))[0].verdict == "ok"


def test_save_that_fails_is_a_failure(own: EmbeddedValkey, tmp_path: Path) -> None:
    (tmp_path / "own" / "dump.rdb").mkdir()
    with configured(own.url, save="3600 1") as client:
        client.bgsave()
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "it")
        told = findings(Subject(redis_url=own.url))["persistence"]
    assert (told.verdict, told.found) == ("fail", "rdb_last_bgsave_status is err")


async def test_old_version_is_a_failure(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await of_redis(redis_url, "redis version"))[0].verdict == "ok"
    monkeypatch.setattr(redis_checks, "OLDEST", (99, 0))
    [finding] = await of_redis(redis_url, "redis version")
    assert (finding.verdict, "99.0" in finding.remedy) == ("fail", True)


async def test_read_slower_than_a_request_allows_is_a_failure(redis_url: str) -> None:
    patient, hurried = Settings(cache_timeout_ms=2000.0), Settings(cache_timeout_ms=0.001)
    assert (await of_redis(redis_url, "latency", settings=patient))[0].verdict == "ok"
    [finding] = await of_redis(redis_url, "latency", settings=hurried)
    assert finding.verdict == "fail"
    assert "of 0.001 ms that a request gives it" in finding.found


async def test_read_from_elsewhere_than_the_gateway_proves_little(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_checks, "_timeout_ms", lambda subject: 0.001)
    assert (await of_redis(redis_url, "latency"))[0].verdict == "warn"


def test_frozen_server_is_told_in_time_and_costs_no_other_check(own: EmbeddedValkey) -> None:
    pid = own.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    began_s = time.monotonic()
    try:
        told = findings(Subject(redis_url=own.url))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert time.monotonic() - began_s < 15.0
    assert told["redis"].verdict == "fail"
    assert "hangs" in told["redis"].remedy
    assert told["eviction"].found == told["ingest"].found == "no Redis answers"


@pytest.mark.parametrize("url", ["", "ftp://nowhere", "redis://user:secret@127.0.0.1:1"])
def test_server_that_is_not_there_is_a_failure(url: str) -> None:
    url = url or closed_port()
    told = findings(Subject(redis_url=url))["redis"]
    assert told.verdict == "fail"
    assert "secret" not in str(told)
