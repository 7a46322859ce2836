"""A teacher elsewhere that does not answer: demand waits for it, and none of it is lost."""

from collections.abc import Callable, Sequence

import pytest

from cache.errors import TeacherUnavailable
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Judged
from tests.cache.fake_clock import FakeClock
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import LEASE_MS, Hired, LiveSpace
from tests.cache.refresh.outcomes import outcomes
from tests.cache.refresh.worker_bench import Counting

pytestmark = pytest.mark.redis


class Away(Counting):
    """Is asked so often in vain before it answers."""

    def __init__(self, times: int, meanwhile: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.times = times
        self._meanwhile = meanwhile

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        if self.times:
            self.times -= 1
            self._meanwhile()
            raise TeacherUnavailable("nobody there")
        return super().judge(wanted)


async def test_demand_waits_for_a_teacher_that_is_away(space: LiveSpace) -> None:
    teacher = Away(times=3)
    worker = Hired(space, teacher=teacher)
    await space.ask(make_demand("a", range(5)), make_demand("b", range(3)))
    await worker.works()
    assert teacher.times == 0
    assert await outcomes(space) == {"demanded": 8, "computed": 8}
    assert await space.waiting() == 0


async def test_demand_is_left_to_the_next_when_the_lease_ends_before_the_teacher_is_back(
    space: LiveSpace,
) -> None:
    clock = FakeClock()

    def meanwhile() -> None:
        clock.now += LEASE_MS / 1000.0

    teacher = Away(times=10**6, meanwhile=meanwhile)
    worker = Hired(space, teacher=teacher, clock=clock)
    await space.ask(make_demand("a", range(5)))
    await worker.own.tick()
    await worker.loop.step()
    assert (await space.waiting(), await space.page("a")) == (1, None)
    for shard in range(space.shards):
        await space.ends_lease(shard)
    await space.forgets_workers()
    await Hired(space, b"heir").works()
    assert (await outcomes(space))["computed"] == 5
