"""What becomes of a batch, on a real server."""

from collections.abc import Sequence

import pytest

from cache.demand import encode
from cache.demand_keys import ShardKeys, shard_of
from cache.keys import DEAD_STREAM, page_key
from cache.refresh.attempt import MAX_TRIES
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Judged
from cache.tiers import TtlPolicy
from tests.cache.fake_clock import FakeClock
from tests.cache.pages import page_bytes_of, random_entries
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import SPACE, Hired, LiveSpace
from tests.cache.refresh.outcomes import outcomes
from tests.cache.refresh.worker_bench import Counting

pytestmark = pytest.mark.redis


async def letters(space: LiveSpace) -> list[bytes]:
    return [fields[b"b"] for _, fields in await space.client.xrange(DEAD_STREAM)]


class Poisoned(Counting):
    """Fails whenever it is asked about 7 items."""

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        if any(len(each.item_keys) == 7 for each in wanted):
            raise RuntimeError("poison")
        return super().judge(wanted)


async def test_every_pair_is_in_a_page_or_in_the_account(space: LiveSpace) -> None:
    worker = Hired(space)
    worker.counting.broken = {0}
    await space.ask(make_demand("a", range(5)), make_demand("b", range(3)))
    await worker.works()
    await space.ask(make_demand("b", range(1, 7)), make_demand("b", range(5, 9)))
    worker.counting.broken = set()
    await worker.works()
    for user, pairs in (("a", 5), ("b", 9)):
        page = await space.page(user)
        assert page is not None
        assert len(page.pair_keys) in (pairs, pairs - 1)
    told = await outcomes(space)
    assert told.pop("demanded") == 18
    assert told == {"computed": 13, "fresh": 2, "not_finite": 1, "duplicate": 2}


async def test_what_was_asked_for_too_long_ago_is_expired_and_costs_no_run(
    space: LiveSpace,
) -> None:
    clock = FakeClock()
    worker = Hired(space, clock=clock, ttl=TtlPolicy(soft_s=5.0, hard_s=10.0))
    await space.ask(make_demand("a", range(5)))
    await worker.own.tick()
    clock.now += 10.5
    await worker.loop.step()
    assert worker.counting.wanted == []
    assert await outcomes(space) == {"demanded": 5, "expired": 5}


async def test_message_that_the_teacher_fails_on_is_buried_and_its_batch_is_not(
    space: LiveSpace,
) -> None:
    worker = Hired(space, teacher=Poisoned())
    asked = [make_demand("a", range(5)), make_demand("b", range(7)), make_demand("c", range(3))]
    await space.ask(*asked)
    await worker.works()
    assert await outcomes(space) == {"demanded": 15, "computed": 8, "dead": 7}
    [letter] = await letters(space)
    assert b"RuntimeError: poison" in letter
    assert letter.endswith(b"\0" + encode(asked[1], 0))


async def test_rubbish_is_buried(space: LiveSpace) -> None:
    worker = Hired(space)
    await space.append("a", b"rubbish")
    await space.append("a", encode(make_demand("a", range(4)), 0)[:-1])
    await worker.works()
    assert await outcomes(space) == {"demanded": 4, "dead": 4}
    assert len(await letters(space)) == 2


async def test_message_over_which_workers_end_is_tried_alone_and_then_buried(
    space: LiveSpace,
) -> None:
    await space.ask(make_demand("a", range(5)), make_demand("b", range(3)))
    keys = ShardKeys.of(SPACE, shard_of("a", space.shards))
    [(deadly, _), *_] = await space.client.xrange(keys.stream)
    await space.client.hset(keys.tries, deadly, str(MAX_TRIES))
    worker = Hired(space)
    await worker.works()
    assert worker.asked_items() == [3]
    assert await outcomes(space) == {"demanded": 8, "computed": 3, "dead": 5}
    assert b"NeverSettled: 5 workers" in (await letters(space))[0]


class Killed(BaseException):
    """Passes through whatever catches errors, as a signal would."""


class Deadly(Counting):
    """Ends whoever asks it about 7 items."""

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        if any(len(each.item_keys) == 7 for each in wanted):
            raise Killed
        return super().judge(wanted)


async def test_message_that_ends_workers_is_found_and_the_others_are_not_lost(
    space: LiveSpace,
) -> None:
    await space.ask(*(make_demand(f"user-{pairs}", range(pairs)) for pairs in range(4, 10)))
    deaths = 0
    while await space.waiting():
        worker = Hired(space, b"%d" % deaths, teacher=Deadly())
        try:
            await worker.works()
        except Killed:
            deaths += 1
        for shard in range(space.shards):
            await space.ends_lease(shard)
        await space.forgets_workers()
    assert deaths == MAX_TRIES
    told = await outcomes(space)
    assert (told["demanded"], told["computed"], told["dead"]) == (39, 32, 7)


async def test_page_under_a_fence_that_nobody_can_have_is_counted_not_judged(
    space: LiveSpace,
) -> None:
    foreign = page_bytes_of(random_entries(2), fence=(1 << 53) - 1)
    await space.client.set(page_key("a", SPACE), foreign)
    worker = Hired(space)
    await space.ask(make_demand("a", range(5)))
    await worker.works()
    assert worker.counting.wanted == []
    assert await outcomes(space) == {"demanded": 5, "fenced": 5}
    assert await space.client.get(page_key("a", SPACE)) == foreign


async def test_pages_are_written_under_the_token_of_their_shard(space: LiveSpace) -> None:
    worker = Hired(space)
    users = [f"user-{number}" for number in range(8)]
    await space.ask(*(make_demand(user) for user in users))
    await worker.works()
    leases = worker.own.leases()
    for user in users:
        page = await space.page(user)
        assert page is not None
        assert page.fence == leases[shard_of(user, space.shards)].token
