import pytest

from cache.demand_keys import ShardKeys, SpaceKeys
from cache.refresh.lease import Leases
from tests.cache.fake_clock import FakeClock
from tests.cache.refresh.live_space import SPACE, LiveSpace

pytestmark = pytest.mark.redis


def leases(space: LiveSpace, name: bytes = b"one", clock: FakeClock | None = None) -> Leases:
    return Leases(space.client, SPACE, name, 60_000, clock or FakeClock())


async def test_one_of_two_gets_a_shard(space: LiveSpace) -> None:
    one, other = leases(space), leases(space, b"other")
    assert [lease.shard for lease in await one.acquire([0, 1])] == [0, 1]
    assert [lease.shard for lease in await other.acquire([1, 2])] == [2]
    assert await other.free([0, 1, 2, 3]) == [3]


async def test_lease_ends_on_the_server_and_by_the_holders_clock(space: LiveSpace) -> None:
    clock = FakeClock()
    [lease] = await leases(space, clock=clock).acquire([0])
    left_ms = await space.client.pttl(ShardKeys.of(SPACE, 0).lease)
    assert 0 < left_ms <= 60_000
    assert lease.until_s == clock.now + 60.0


async def test_renewed_lease_lasts_longer_under_the_same_token(space: LiveSpace) -> None:
    clock = FakeClock()
    holder = leases(space, clock=clock)
    [lease] = await holder.acquire([0])
    await space.client.pexpire(ShardKeys.of(SPACE, 0).lease, 500)
    clock.now += 59.5
    [renewed] = await holder.renew([lease])
    assert renewed == lease._replace(until_s=clock.now + 60.0)
    assert await space.client.pttl(ShardKeys.of(SPACE, 0).lease) > 50_000


async def test_lease_that_ended_is_not_renewed_even_when_nobody_took_it(space: LiveSpace) -> None:
    holder = leases(space)
    held = await holder.acquire([0, 1])
    await space.ends_lease(0)
    assert [lease.shard for lease in await holder.renew(held)] == [1]
    assert await holder.free([0, 1]) == [0]


async def test_late_release_does_not_end_the_lease_of_another(space: LiveSpace) -> None:
    one, other = leases(space), leases(space, b"other")
    late = await one.acquire([0])
    await space.ends_lease(0)
    [taken] = await other.acquire([0])
    await one.release(late)
    assert await other.renew([taken])
    await other.release([taken])
    assert await one.free([0]) == [0]


async def test_every_lease_has_a_higher_token_than_those_before(space: LiveSpace) -> None:
    holder, tokens = leases(space), []
    for _ in range(5):
        held = await holder.acquire([0, 1, 2])
        tokens += [lease.token for lease in held]
        await holder.release(held)
    assert tokens == sorted(set(tokens))


async def test_tokens_grow_past_a_counter_that_was_lost(space: LiveSpace) -> None:
    holder = leases(space)
    [before] = await holder.acquire([0])
    await space.client.delete(SpaceKeys.of(SPACE).fence)
    await space.ends_lease(0)
    [after] = await holder.acquire([0])
    assert after.token > before.token
    await space.client.set(SpaceKeys.of(SPACE).fence, before.token + 10**12)
    [ahead] = await holder.acquire([1])
    assert ahead.token == before.token + 10**12 + 1


async def test_nothing_to_do_is_allowed(space: LiveSpace) -> None:
    holder = leases(space)
    assert await holder.acquire([]) == await holder.renew([]) == []
    assert await holder.free([]) == []
    await holder.release([])
