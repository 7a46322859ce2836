"""Spaces, rosters, leases and demand as refreshers leave them when they go wrong."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cache.connection import connect
from cache.demand_keys import SHARDS, ShardKeys
from cache.redis_demand import RedisDemand
from cache.refresh.lease import Leases
from cache.refresh.roster import Roster
from server.doctor.examination import CHECKS, found
from server.doctor.finding import Finding
from server.doctor.refresher_checks import LEASE_MS, is_stuck
from server.doctor.subject import Subject
from tests.bundles import SPACE
from tests.server.doctor.subjects import of_redis, reading
from tests.server.doctor.test_rights_checks import user
from tests.server.loaded_cache import clear

pytestmark = pytest.mark.redis

HOUR_MS = 3_600_000


class Space:
    """Of a gateway that reads SPACE."""

    def __init__(self, url: str) -> None:
        self.client: Any = connect(url)
        self.subject = Subject(redis_url=url, client=self.client, told=reading(SPACE))

    async def finding(self, name: str) -> Finding:
        [check] = [each for each in CHECKS if each.name == name]
        return await found(check, self.subject)

    async def hire(self, space: str = SPACE, name: bytes = b"alive") -> None:
        await Roster(self.client, space, name, shards=SHARDS, ttl_ms=60_000).beat()

    async def lease_all(self, name: bytes = b"alive") -> None:
        got = await Leases(self.client, SPACE, name, 5000).acquire(range(SHARDS))
        assert len(got) == SHARDS

    async def lease(self, shard: int, holder: str, left_ms: int | None) -> str:
        key = ShardKeys.of(SPACE, shard).lease
        await self.client.set(key, f"17 {holder}", px=left_ms)
        return key.decode()


@pytest.fixture
async def space(redis_url: str) -> AsyncIterator[Space]:
    clear(redis_url)
    space = Space(redis_url)
    await RedisDemand(space.client, SPACE).shards()
    yield space
    await space.client.aclose()


async def test_refreshers_of_another_space_are_a_failure_that_names_both(space: Space) -> None:
    await space.hire("0123456789abcdef")
    finding = await space.finding("refreshers")
    assert finding.verdict == "fail"
    assert SPACE in finding.found
    assert "0123456789abcdef" in finding.found


async def test_no_refresher_is_a_failure(space: Space) -> None:
    finding = await space.finding("refreshers")
    assert (finding.verdict, "understudy refresh" in finding.remedy) == ("fail", True)
    await space.hire()
    assert (await space.finding("refreshers")).verdict == "ok"


async def test_shards_leased_to_the_living_are_well(space: Space) -> None:
    await space.hire()
    await space.lease_all()
    assert (await space.finding("leases")).verdict == "ok"


@pytest.mark.parametrize("left_ms", [None, HOUR_MS])
async def test_old_lease_of_one_who_is_gone_is_a_failure_with_its_key(
    space: Space, left_ms: int | None
) -> None:
    await space.hire()
    await space.lease_all()
    key = await space.lease(3, "gone-1", left_ms)
    finding = await space.finding("leases")
    assert finding.verdict == "fail"
    assert "shard 3 to gone-1" in finding.found
    assert f"DEL {key}" in finding.remedy


async def test_lease_that_is_about_to_end_is_a_handover(space: Space) -> None:
    await space.hire()
    await space.lease_all()
    await space.lease(3, "gone-1", 4000)
    finding = await space.finding("leases")
    assert (finding.verdict, finding.found[:8]) == ("warn", "1 of 16 ")


async def test_lease_of_which_nothing_is_known_is_none_to_delete(
    space: Space, redis_url: str
) -> None:
    await space.hire()
    await space.lease_all()
    await space.lease(3, "gone-1", 4000)
    with user(redis_url, "+@all", "-pttl", "~us:*") as url:
        [finding] = await of_redis(url, "leases", told=reading(SPACE))
    assert (finding.verdict, finding.found[:8]) == ("warn", "1 of 16 ")
    assert "look again in a minute" in finding.remedy
    assert "DEL" not in finding.remedy


def test_only_a_lease_that_does_not_end_by_itself_is_stuck() -> None:
    told = {left_ms: is_stuck(left_ms) for left_ms in (None, -2, -1, 0, LEASE_MS - 1, LEASE_MS)}
    assert [left_ms for left_ms, stuck in told.items() if stuck] == [-1, LEASE_MS]


async def test_demand_that_waits_too_long_is_a_failure(space: Space) -> None:
    assert (await space.finding("demand")).verdict == "ok"
    seconds, _ = await space.client.time()
    stream = ShardKeys.of(SPACE, 5).stream
    for age_s, verdict in ((1000, "fail"), (120, "warn"), (2, "ok")):
        await space.client.delete(stream)
        await space.client.xadd(stream, {b"b": b""}, id=f"{(seconds - age_s) * 1000}-0")
        finding = await space.finding("demand")
        assert (finding.verdict, "1 messages" in finding.found) == (verdict, True), finding
