"""What the gateway's user of Redis lacks, told by name, and without leaving a trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from cache.embedded import EmbeddedValkey
from tests.bundles import SPACE
from tests.server.doctor.subjects import of_redis, reading
from tests.server.loaded_cache import clear

pytestmark = pytest.mark.redis


@contextmanager
def user(url: str, *rules: str) -> Iterator[str]:
    """The URL with which it comes in."""
    with redis.Redis.from_url(url) as client:
        client.execute_command("ACL", "SETUSER", "tried", "on", ">tried-password", *rules)
        try:
            yield url.replace("unix://", "unix://tried:tried-password@")
        finally:
            client.execute_command("ACL", "DELUSER", "tried")


async def test_missing_right_is_named(redis_url: str) -> None:
    with user(redis_url, "+@all", "-xadd", "-eval", "~us:*") as url:
        [finding] = await of_redis(url, "rights")
    assert finding.verdict == "fail"
    assert "may not EVAL, XADD" in finding.found
    assert "docs/operations.md" in finding.remedy


async def test_other_keys_are_a_missing_right(redis_url: str) -> None:
    with user(redis_url, "+@all", "~other:*") as url:
        [finding] = await of_redis(url, "rights")
    assert (finding.verdict, "MGET" in finding.found) == ("fail", True)


async def test_asking_changes_nothing(redis_url: str) -> None:
    clear(redis_url)
    [finding] = await of_redis(redis_url, "rights")
    assert finding.verdict == "ok", finding
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


async def test_another_user_than_the_gateways_proves_nothing(redis_url: str) -> None:
    [finding] = await of_redis(redis_url, "rights", is_own_user=False)
    assert finding.verdict == "skip"


async def test_script_that_this_user_may_not_run_is_left_out_too(redis_url: str) -> None:
    with user(redis_url, "+@all", "-zcount", "~us:*") as url:
        told = await of_redis(url, "refreshers", "leases", "demand", told=reading(SPACE))
    assert {finding.verdict for finding in told} == {"skip"}, told


async def test_save_is_not_called_well_where_nobody_says_whether_there_is_one(
    redis_url: str,
) -> None:
    with user(redis_url, "+@all", "-config", "~us:*") as url:
        [finding] = await of_redis(url, "persistence")
    assert finding.verdict == "skip"
    assert "the last save did not fail" in finding.found
    assert "`operator`" in finding.remedy


async def test_replica_is_told_from_a_master(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "own") as valkey, redis.Redis.from_url(valkey.url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        [finding] = await of_redis(valkey.url, "rights")
    assert (finding.verdict, "replica" in finding.found) == ("fail", True)
    assert "master" in finding.remedy


async def test_check_that_this_user_may_not_make_is_left_out_with_the_remedy(
    redis_url: str,
) -> None:
    with user(redis_url, "+@all", "-info", "-config", "~us:*") as url:
        told = await of_redis(url, "eviction", "memory", "persistence")
    assert {finding.verdict for finding in told} == {"skip"}
    assert all("`operator`" in finding.remedy for finding in told)
