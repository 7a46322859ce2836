"""A batch that something comes between: the store away, a lease over, a page that changes."""

from collections.abc import Callable, Sequence

import pytest

from cache.account import Outcome
from cache.errors import StoreUnavailable
from cache.keys import page_key
from cache.redis_store import RedisStore
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Judged
from cache.store import Replacement
from tests.cache.fake_clock import FakeClock
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import SPACE, Hired, LiveSpace
from tests.cache.refresh.outcomes import outcomes
from tests.cache.refresh.worker_bench import Counting

pytestmark = pytest.mark.redis


class Meanwhile(Counting):
    """Something happens while it judges."""

    def __init__(self, what: Callable[[], None]) -> None:
        super().__init__()
        self.what = what

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        self.what()
        return super().judge(wanted)


class Otherwise(Counting):
    """Says something else."""

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        return Judged(*(-values for values in super().judge(wanted)))


class Flaky(RedisStore):
    """Its first writes fail: half of them are done, and nobody hears of it."""

    def __init__(self, space: LiveSpace, failures: int) -> None:
        super().__init__(space.client)
        self.failures = failures

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        if self.failures:
            self.failures -= 1
            await super().replace_many(replacements[::2], ttl_s)
            raise StoreUnavailable("away")
        return await super().replace_many(replacements, ttl_s)


async def test_store_that_was_away_is_written_later_without_asking_the_teacher_again(
    space: LiveSpace,
) -> None:
    flaky = Flaky(space, failures=2)
    worker = Hired(space, store=flaky)
    await space.ask(make_demand("a", range(5)), make_demand("b", range(5)))
    await worker.works()
    assert worker.asked_items() == [5, 5]
    assert flaky.failures == 0
    assert await outcomes(space) == {"demanded": 10, "computed": 10}


async def test_worker_that_was_frozen_over_its_leases_writes_nothing(space: LiveSpace) -> None:
    clock = FakeClock()

    def freeze() -> None:
        clock.now += 61.0

    frozen = Hired(space, teacher=Meanwhile(freeze), clock=clock)
    await space.ask(make_demand("a", range(5)))
    await frozen.own.tick()
    await frozen.loop.step()
    assert await space.page("a") is None
    assert await space.waiting() == 1
    assert not frozen.hand.pairs
    for shard in range(space.shards):
        await space.ends_lease(shard)
    await space.forgets_workers()
    await Hired(space, b"heir").works()
    told = await outcomes(space)
    assert told == {"demanded": 5, "computed": 5, "recomputed": 5}


async def test_worker_whose_clock_stood_still_neither_overwrites_nor_settles(
    space: LiveSpace,
) -> None:
    late = Hired(space, b"late", clock=FakeClock())
    heir = Hired(space, b"heir", teacher=Otherwise())
    await space.ask(make_demand("a", range(6)))
    await late.own.tick()
    await late.intake.refill(late.own.leases(), 0)
    batch = late.hand.take(100)
    begun = await late.attempts._begun(batch)
    verdict = await late.refresher.judge(await late.refresher.plan(begun))
    for shard in range(space.shards):
        await space.ends_lease(shard)
    await space.forgets_workers()
    await heir.works()
    written = await space.page("a")
    assert written is not None
    assert await late.attempts._stored(begun, verdict) == {"a"}
    after = await space.page("a")
    assert after is not None
    assert (after.version, after.fence, after.logit.tolist()) == (
        written.version, written.fence, written.logit.tolist()
    )  # fmt: skip
    assert late.tally.counts["pages", "fenced"] == 1
    assert await outcomes(space) == {"demanded": 6, "computed": 6, "recomputed": 6}


class Contended(RedisStore):
    """Somebody else is always faster with the page of user `a`, until told otherwise."""

    is_contended = True

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        free = [r for r in replacements if not self.is_contended or r.key != page_key("a", SPACE)]
        done = dict(zip(free, await super().replace_many(free, ttl_s), strict=True))
        return [done.get(replacement, False) for replacement in replacements]


async def test_page_that_others_keep_changing_comes_again(space: LiveSpace) -> None:
    store = Contended(space.client)
    worker = Hired(space, store=store)
    await space.ask(make_demand("a", range(5)), make_demand("b", range(4)))
    await worker.own.tick()
    await worker.loop.step()
    assert await space.waiting() == 1
    store.is_contended = False
    await worker.works()
    assert worker.asked_items() == [5, 4, 5]
    told = await outcomes(space)
    assert told == {"demanded": 9, "computed": 9, "recomputed": 5}


async def test_trimmed_message_in_work_is_counted_once(space: LiveSpace) -> None:
    worker = Hired(space)
    await space.ask(make_demand("a", range(5)))
    await worker.own.tick()
    await worker.intake.refill(worker.own.leases(), 0)
    await space.ask(make_demand("a", range(5, 8)), limit=1)
    await worker.works()
    assert await outcomes(space) == {"demanded": 8, "computed": 3, "trimmed": 5}
    assert worker.tally.counts["messages", "gone"] == 1
    assert worker.tally.counts["pairs", Outcome.COMPUTED] == 3
