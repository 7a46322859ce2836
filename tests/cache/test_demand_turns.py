"""A flush of many demands, which leaves the event loop to others meanwhile."""

import asyncio

import pytest

from cache.demand_feed import TURN_S
from tests.cache.demands import make_demand
from tests.cache.fake_clock import FakeClock
from tests.cache.test_demand_feed import Feeding


class Passing(FakeClock):
    """A tenth of a turn with every reading."""

    def __init__(self) -> None:
        super().__init__()
        self.readings = 0

    def __call__(self) -> float:
        self.readings += 1
        self.now += TURN_S / 10
        return self.now


class Turns:
    """Counts the loop's turns while it is entered, and how much a clock was read in each."""

    def __init__(self, clock: Passing) -> None:
        self._clock = clock
        self.readings: list[int] = []

    async def __aenter__(self) -> "Turns":
        self._counting = asyncio.create_task(self._count())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._counting.cancel()
        await asyncio.gather(self._counting, return_exceptions=True)

    async def _count(self) -> None:
        while True:
            before = self._clock.readings
            await asyncio.sleep(0)
            self.readings.append(self._clock.readings - before)


def _full(clock: FakeClock | None = None, users: int = 200) -> Feeding:
    """Each user's second demand has one new pair."""
    feeding = Feeding(queue_limit=2 * users, clock=clock)
    for items in ((1, 2), (2, 3)):
        for user in range(users):
            feeding.feed.offer(make_demand(str(user), items))
    return feeding


async def test_full_queue_takes_many_short_turns_of_the_loop() -> None:
    clock = Passing()
    feeding = _full(clock)
    async with Turns(clock) as turns:
        await feeding.feed.flush()
    assert len(turns.readings) > 40
    assert max(turns.readings) < 20  # a turn's ten, and a last demand's
    assert feeding.feed.counts == {"offered": 400, "sent": 400}


async def test_demands_of_many_turns_are_told_apart_and_appended_as_those_of_one() -> None:
    at_once, in_turns = _full(), _full(Passing())
    for feeding in (at_once, in_turns):
        await feeding.feed.flush()
    assert in_turns.sink.held == at_once.sink.held
    assert sum(len(demand.item_keys) for demand in in_turns.sent()) == 600
    assert in_turns.sink.appends == 1


async def test_what_is_offered_meanwhile_is_for_the_next_flush() -> None:
    feeding = _full(Passing())
    flushing = asyncio.create_task(feeding.feed.flush())
    await asyncio.sleep(0)
    feeding.feed.offer(make_demand("late"))
    feeding.feed.offer(make_demand("0", (1, 2, 3)))
    await flushing
    assert feeding.feed.counts["dropped"] == 0
    assert feeding.feed.counts["sent"] == 400
    await feeding.feed.flush()
    assert feeding.sent()[-1].user_id == "late"
    assert feeding.feed.counts["duplicate"] == 1


async def test_flush_is_cancelled_between_turns_and_nothing_of_it_is_appended() -> None:
    feeding = _full(Passing())
    flushing = asyncio.create_task(feeding.feed.flush())
    await asyncio.sleep(0)
    flushing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flushing
    assert feeding.sink.held == []
    assert feeding.feed.counts["sent"] == 0
