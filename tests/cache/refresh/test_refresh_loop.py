import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from cache.demand import Demand
from cache.demand_keys import SpaceKeys
from cache.errors import ShardsDiffer
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Judged
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import SPACE, Hired, LiveSpace
from tests.cache.refresh.waiting import until
from tests.cache.refresh.worker_bench import Counting

pytestmark = pytest.mark.redis


def scored(user: str, pairs: int, score: float) -> Demand:
    asked = make_demand(user, range(pairs))
    return asked._replace(scores=np.full(pairs, score, np.float32))


def keep_size(worker: Hired, pairs: int) -> None:
    worker.size.pairs = pairs
    worker.size.took = lambda pairs, seconds: None  # type: ignore[method-assign]


async def test_most_valuable_user_is_judged_first_and_all_of_a_user_together(
    space: LiveSpace,
) -> None:
    worker = Hired(space)
    keep_size(worker, 8)
    await space.ask(
        scored("low", 5, 0.1), scored("top", 6, 0.9), scored("mid", 7, 0.5), scored("low", 8, 0.2)
    )
    await worker.own.tick()
    await worker.loop.step()
    assert worker.asked_items() == [6]
    await worker.works()
    assert worker.asked_items() == [6, 7, 8]


async def test_valuable_demand_that_comes_later_overtakes(space: LiveSpace) -> None:
    worker = Hired(space)
    keep_size(worker, 8)
    await space.ask(*(scored(f"user-{n}", 8, 0.1) for n in range(3)))
    await worker.own.tick()
    await worker.loop.step()
    await space.ask(scored("late", 7, 0.9))
    await worker.loop.step()
    assert worker.asked_items() == [8, 7]


async def test_memory_is_bounded_and_the_stream_keeps_the_rest(space: LiveSpace) -> None:
    worker = Hired(space, max_pairs=40)
    keep_size(worker, 8)
    await space.ask(*(scored(f"user-{n}", 8, n / 100) for n in range(30)))
    await worker.own.tick()
    held = []
    while await space.waiting():
        await worker.loop.step()
        held.append(worker.hand.pairs)
        assert await space.waiting() >= worker.hand.pairs / 8
    assert 24 <= max(held) <= 40
    assert (await space.account()).unsettled == 0


class Counted(Counting):
    """Runs by their pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[int] = []

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        self.runs.append(sum(len(each.item_keys) for each in wanted))
        return super().judge(wanted)


async def test_long_demand_is_judged_in_runs_of_the_batch_size_and_written_once(
    space: LiveSpace,
) -> None:
    teacher = Counted()
    worker = Hired(space, teacher=teacher)
    keep_size(worker, 100)
    await space.ask(make_demand("a", range(250)))
    await worker.works()
    assert teacher.runs == [100, 100, 50]
    page = await space.page("a")
    assert page is not None
    assert (page.version, len(page.pair_keys)) == (1, 250)


async def test_stop_finishes_the_batch_in_work_and_gives_the_leases_back(space: LiveSpace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Stopping(Counting):
        def judge(self, wanted: Sequence[Wanted]) -> Judged:
            loop.call_soon_threadsafe(stop.set)
            return super().judge(wanted)

    worker = Hired(space, teacher=Stopping())
    worker.size.pairs = 5
    await space.ask(make_demand("a", range(5)), make_demand("b", range(5)))
    await worker.loop.run(stop)
    account = await space.account()
    assert (account.unsettled, await space.waiting()) == (5, 1)
    heir = Hired(space, b"heir")
    await heir.works()
    assert (await space.account()).recomputed == 0
    assert await space.waiting() == 0


async def test_idle_worker_is_woken_by_demand_and_ends_when_told(space: LiveSpace) -> None:
    worker, stop = Hired(space), asyncio.Event()
    running = asyncio.create_task(worker.loop.run(stop))
    await worker.own.changed.wait()
    await space.ask(make_demand("a"))
    await until(space.is_settled)
    stop.set()
    await running
    assert await space.page("a") is not None


async def test_loop_ends_with_the_remedy_when_the_space_was_divided_anew(space: LiveSpace) -> None:
    await space.client.set(SpaceKeys.of(SPACE).shards, 8)
    with pytest.raises(ShardsDiffer, match="delete us:shards"):
        await Hired(space).loop.run(asyncio.Event())


async def test_levels_tell_of_backlog_leases_and_the_account(space: LiveSpace) -> None:
    worker = Hired(space)
    await space.ask(make_demand("a"), make_demand("b"))
    await worker.own.tick()
    await worker.loop.measure()
    assert worker.tally.levels["backlog"] == 2
    assert worker.tally.levels["unsettled_pairs"] == 10
    assert sum(worker.tally.labelled["shard_backlog", "shard"].values()) == 2
    await worker.works()
    await worker.loop.measure()
    assert worker.tally.levels["leases"] == 4
    assert worker.tally.levels["pairs_in_hand"] == 0
    assert worker.tally.levels["batch_pairs"] > 0
    assert worker.tally.labelled["account_pairs", "outcome"]["computed"] == 10
