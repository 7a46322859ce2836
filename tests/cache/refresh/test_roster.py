import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.demand_keys import SpaceKeys
from cache.refresh.roster import MAX_TTL_MS, Beat, Roster, fair_share
from tests.cache.refresh.live_space import SPACE, LiveSpace

WORKERS = SpaceKeys.of(SPACE).workers


def roster(space: LiveSpace, name: bytes, ttl_ms: int = 60_000) -> Roster:
    return Roster(space.client, SPACE, name, shards=4, ttl_ms=ttl_ms)


@given(st.integers(1, 64), st.integers(1, 100))
def test_shares_of_all_workers_are_all_shards_and_differ_by_one_at_most(
    shards: int, workers: int
) -> None:
    shares = [fair_share(shards, Beat(0, workers, rank, shards)) for rank in range(workers)]
    assert sum(shares) == shards
    assert max(shares) - min(shares) <= 1


@pytest.mark.redis
async def test_workers_are_counted_and_ranked_by_name(space: LiveSpace) -> None:
    first = await roster(space, b"b").beat()
    assert (first.workers, first.rank, first.shards) == (1, 0, 4)
    second = await roster(space, b"a").beat()
    assert (second.workers, second.rank) == (2, 0)
    again = await roster(space, b"b").beat()
    assert (again.workers, again.rank) == (2, 1)


@pytest.mark.redis
async def test_worker_that_left_or_fell_silent_is_not_counted(space: LiveSpace) -> None:
    now_ms = (await roster(space, b"a").beat()).server_ms
    await space.client.zadd(WORKERS, {b"silent": now_ms, b"alive": now_ms + 10_000})
    leaving = roster(space, b"leaving")
    await leaving.beat()
    await leaving.leave()
    assert (await roster(space, b"a").beat()).workers == 2
    assert set(await space.client.zrange(WORKERS, 0, -1)) == {b"a", b"alive"}


@pytest.mark.redis
async def test_heartbeat_that_another_servers_clock_put_into_the_future_does_not_stay(
    space: LiveSpace,
) -> None:
    now_ms = (await roster(space, b"a").beat()).server_ms
    await space.client.zadd(WORKERS, {b"dead": now_ms + 3_600_000})
    assert (await roster(space, b"a").beat()).workers == 1


@pytest.mark.redis
async def test_roster_leaves_with_the_last_worker(space: LiveSpace) -> None:
    await roster(space, b"a").beat()
    assert 0 < await space.client.pttl(WORKERS) <= MAX_TTL_MS


@pytest.mark.redis
async def test_number_of_shards_that_the_server_lost_is_written_again(space: LiveSpace) -> None:
    await roster(space, b"a").beat()
    await space.client.flushall()
    await roster(space, b"a").beat()
    assert await space.demand.shards(16) == 4
