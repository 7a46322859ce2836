import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from cache.demand import HIT, MISS, Demand, Others, decode
from cache.demand_feed import DemandFeed
from cache.demand_keys import shard_of
from cache.errors import StoreUnavailable
from tests.cache.demands import make_demand
from tests.cache.fake_clock import FakeClock

SHARDS = 4


class Sink:
    """Keeps what is appended."""

    def __init__(self) -> None:
        self.held: list[tuple[int, bytes]] = []
        self.limits: set[int] = set()
        self.appends = 0
        self.proposed: list[int] = []
        self.appended = asyncio.Event()
        self.is_down = False

    async def shards(self, if_absent: int) -> int:
        self._check()
        self.proposed.append(if_absent)
        return SHARDS

    async def append(self, by_shard: Mapping[int, Sequence[bytes]], limit: int) -> None:
        self._check()
        self.held += [(shard, body) for shard, bodies in by_shard.items() for body in bodies]
        self.limits.add(limit)
        self.appends += 1
        self.appended.set()

    def _check(self) -> None:
        if self.is_down:
            raise StoreUnavailable("down")


class Feeding:
    def __init__(self, queue_limit: int = 10, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.sink = Sink()
        self.feed = DemandFeed(
            self.sink,
            queue_limit=queue_limit,
            window_s=10.0,
            flush_s=0.0,
            stream_limit=1001,
            clock=self.clock,
            wall_ms=lambda: 5000,
        )

    def sent(self) -> list[Demand]:
        return [decode(body).demand for _, body in self.sink.held]


async def test_offered_demands_are_appended_with_their_time() -> None:
    feeding = Feeding()
    feeding.feed.offer(make_demand())
    await feeding.feed.flush()
    assert [decode(body).enqueued_ms for _, body in feeding.sink.held] == [5000]
    assert feeding.feed.counts == {"offered": 1, "sent": 1}


async def test_demand_past_a_bound_does_not_hold_up_the_others() -> None:
    feeding = Feeding()
    for user in ("u" * 2000, "\ud800", "b"):
        feeding.feed.offer(make_demand(user))
    await feeding.feed.flush()
    assert [demand.user_id for demand in feeding.sent()] == ["b"]
    assert feeding.feed.counts["refused"] == 2


async def test_full_queue_drops_and_counts() -> None:
    feeding = Feeding(queue_limit=2)
    for user in "abc":
        feeding.feed.offer(make_demand(user))
    await feeding.feed.flush()
    assert [demand.user_id for demand in feeding.sent()] == ["a", "b"]
    assert feeding.feed.counts["dropped"] == 1


async def test_pair_is_asked_for_once_within_the_window() -> None:
    feeding = Feeding()
    for items in ((1, 2), (2, 3), (1, 3)):
        feeding.feed.offer(make_demand(items=items))
    await feeding.feed.flush()
    sent = feeding.sent()
    assert [demand.item_keys.tolist() for demand in sent] == [[1, 2], [3]]
    assert sent[1].scores.tolist() == [1.0]
    assert feeding.feed.counts["duplicate"] == 1


async def test_request_is_told_of_although_nothing_of_it_is_demanded_again() -> None:
    feeding = Feeding()
    standing = np.array([MISS, MISS, HIT], np.uint8)
    others = Others(np.array([7], np.uint64), np.array([0.5], np.float32), standing)
    for _ in range(2):
        feeding.feed.offer(make_demand(items=(1, 2))._replace(others=others))
    await feeding.feed.flush()
    first, second = feeding.sent()
    assert first.others is not None
    assert second.others is not None
    assert (first.item_keys.tolist(), first.others.item_keys.tolist()) == ([1, 2], [7])
    assert (second.item_keys.tolist(), second.others.item_keys.tolist()) == ([], [1, 2, 7])
    assert second.others.standing.tolist() == [MISS, MISS, HIT]
    assert feeding.feed.counts == {"offered": 2, "sent": 2}


async def test_pair_is_asked_for_again_after_the_window() -> None:
    feeding = Feeding()
    for _ in range(2):
        feeding.feed.offer(make_demand())
        await feeding.feed.flush()
        feeding.clock.now += 10.0
    assert len(feeding.sent()) == 2


async def test_other_user_or_context_is_another_pair() -> None:
    feeding = Feeding()
    for demand in (make_demand("a"), make_demand("b"), make_demand("a", context=8)):
        feeding.feed.offer(demand)
    await feeding.feed.flush()
    assert len(feeding.sent()) == 3


async def test_demand_that_failed_may_be_asked_again_at_once() -> None:
    feeding = Feeding()
    feeding.sink.is_down = True
    for _ in range(2):
        feeding.feed.offer(make_demand())
        await feeding.feed.flush()
    assert feeding.feed.counts["failed"] == 2
    assert feeding.feed.counts["duplicate"] == 0


async def test_every_demand_goes_to_its_users_shard_each_with_its_part_of_the_room() -> None:
    feeding = Feeding(queue_limit=100)
    for user in range(40):
        feeding.feed.offer(make_demand(str(user)))
    await feeding.feed.flush()
    shards = {decode(body).demand.user_id: shard for shard, body in feeding.sink.held}
    assert shards == {str(user): shard_of(str(user), SHARDS) for user in range(40)}
    assert set(shards.values()) == set(range(SHARDS))
    assert feeding.sink.limits == {251}


async def test_number_of_shards_is_asked_once_and_after_an_outage_proposed_again() -> None:
    feeding = Feeding()
    for is_down in (False, False, True, False):
        feeding.sink.is_down = is_down
        feeding.clock.now += 10.0
        feeding.feed.offer(make_demand())
        await feeding.feed.flush()
    assert feeding.sink.proposed == [16, SHARDS]


async def test_running_feed_sends_and_stops_when_cancelled() -> None:
    feeding = Feeding()
    running = asyncio.create_task(feeding.feed.run())
    feeding.feed.offer(make_demand())
    await feeding.sink.appended.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_many_users_do_not_grow_the_window_without_bound() -> None:
    feeding = Feeding(queue_limit=10_000)
    for user in range(5000):
        feeding.feed.offer(make_demand(str(user)))
    feeding.feed.offer(make_demand("0"))
    await feeding.feed.flush()
    assert feeding.feed.counts["sent"] == 5001
