import pytest

from cache.demand_keys import ShardKeys, SpaceKeys
from cache.errors import ShardsDiffer
from tests.cache.fake_clock import FakeClock
from tests.cache.refresh.live_space import SPACE, Hired, LiveSpace

pytestmark = pytest.mark.redis


def shards(*workers: Hired) -> list[set[int]]:
    return [set(worker.own.leases()) for worker in workers]


async def settle_down(*workers: Hired) -> list[set[int]]:
    for _ in range(3):
        for worker in workers:
            await worker.own.tick()
    return shards(*workers)


async def test_one_worker_has_all_shards_at_once(space: LiveSpace) -> None:
    worker = Hired(space)
    await worker.own.tick()
    assert shards(worker) == [{0, 1, 2, 3}]


async def test_workers_that_join_get_a_fair_share_each_shard_with_one(space: LiveSpace) -> None:
    workers = [Hired(space, b"%d" % number) for number in range(3)]
    for count in (1, 2, 3):
        held = await settle_down(*workers[:count])
        assert sorted(shard for own in held for shard in own) == [0, 1, 2, 3]
        assert max(map(len, held)) - min(map(len, held)) <= 1


async def test_more_workers_than_shards_stand_by(space: LiveSpace) -> None:
    held = await settle_down(*(Hired(space, b"%d" % number) for number in range(6)))
    assert sorted(map(len, held)) == [0, 0, 1, 1, 1, 1]


async def test_shards_of_a_worker_that_ends_go_to_the_others_at_their_next_tick(
    space: LiveSpace,
) -> None:
    one, other = Hired(space, b"one"), Hired(space, b"other")
    await settle_down(one, other)
    await one.own.end()
    await other.own.tick()
    assert shards(one, other) == [set(), {0, 1, 2, 3}]


async def test_shards_of_a_dead_worker_are_taken_when_its_leases_have_ended(
    space: LiveSpace,
) -> None:
    dead, heir = Hired(space, b"dead"), Hired(space, b"heir")
    [left, _] = await settle_down(dead, heir)
    await space.forgets_workers()
    await heir.own.tick()
    assert len(heir.own.leases()) == 2
    for shard in left:
        await space.ends_lease(shard)
    await heir.own.tick()
    assert set(heir.own.leases()) == {0, 1, 2, 3}


async def test_worker_knows_by_its_own_clock_that_its_leases_are_over(space: LiveSpace) -> None:
    clock = FakeClock()
    frozen = Hired(space, clock=clock)
    await frozen.own.tick()
    [lease, *_] = frozen.own.leases().values()
    clock.now += 59.9
    assert frozen.own.lease(lease.shard, lease.token) is not None
    clock.now += 0.1
    assert frozen.own.lease(lease.shard, lease.token) is None
    assert not frozen.own.leases()


async def test_shard_that_was_lost_and_taken_again_has_another_token(space: LiveSpace) -> None:
    worker = Hired(space)
    await worker.own.tick()
    before = worker.own.leases()[2]
    await space.ends_lease(2)
    await worker.own.tick()
    after = worker.own.leases()[2]
    assert after.token > before.token
    assert worker.own.lease(2, before.token) is None
    assert worker.tally.counts["lease_changes", "lost"] == 1


async def test_shard_in_work_is_let_go_only_when_the_batch_is_done(space: LiveSpace) -> None:
    one, other = Hired(space, b"one"), Hired(space, b"other")
    await one.own.tick()
    leases = dict(one.own.leases())
    one.own.busy = frozenset(leases)
    await settle_down(other, one)
    leaving = set(leases) - set(one.own.leases())
    assert len(leaving) == 2
    assert all(one.own.lease(shard, leases[shard].token) for shard in leaving)
    assert shards(other) == [set()]
    one.own.busy = frozenset()
    await settle_down(one, other)
    assert shards(other) == [leaving]


@pytest.mark.parametrize(("seconds", "pace"), [(1e9, 1.0), (-900.0, 1.0), (0.0, 0.5), (0.0, 2.0)])
async def test_clock_that_is_wrong_or_runs_wrong_costs_others_nothing(
    space: LiveSpace, seconds: float, pace: float
) -> None:
    right, skewed = FakeClock(), FakeClock()
    skewed.now += seconds
    one = Hired(space, b"one", clock=right)
    other = Hired(space, b"other", clock=skewed)
    for _ in range(20):
        right.now += 10.0
        skewed.now += 10.0 * pace
        for worker in (one, other):
            await worker.own.tick()
    assert sorted(map(len, shards(one, other))) == [2, 2]
    assert not set.intersection(*shards(one, other))
    assert abs(one.server_clock.now_ms() - other.server_clock.now_ms()) < 5000


async def test_slow_clock_does_not_make_a_lease_outlive_the_servers(space: LiveSpace) -> None:
    stopped = Hired(space, b"stopped", clock=FakeClock())
    await stopped.own.tick()
    for shard in range(4):
        await space.ends_lease(shard)
    await space.forgets_workers()
    heir = Hired(space, b"heir")
    await heir.own.tick()
    assert len(stopped.own.leases()) == 4
    await stopped.own.tick()
    assert not stopped.own.leases()
    assert len(heir.own.leases()) == 4


async def test_space_that_was_divided_anew_ends_the_worker_with_the_remedy(
    space: LiveSpace,
) -> None:
    worker = Hired(space)
    await worker.own.tick()
    await space.client.set(SpaceKeys.of(SPACE).shards, 8)
    with pytest.raises(ShardsDiffer, match="8 shards and 4 are wanted"):
        await worker.own.tick()


async def test_end_gives_everything_back(space: LiveSpace) -> None:
    worker = Hired(space)
    await worker.own.tick()
    await worker.own.end()
    keys = [ShardKeys.of(SPACE, shard).lease for shard in range(4)]
    assert await space.client.exists(SpaceKeys.of(SPACE).workers, *keys) == 0
