from collections.abc import Mapping

import numpy as np
import pytest

from cache.demand import encode
from models.features.hashing import key64
from models.speculation.scheduler import Budget
from tests.bundles import NOW_MS
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import Hired, LiveSpace
from tests.cache.refresh.outcomes import outcomes
from tests.cache.refresh.speculation.foreseeing import (
    AMPLE,
    Foreseeing,
    closes,
    held,
    keys_of,
    made,
    told,
)
from tests.cache.refresh.speculation.recurring import Recurring

pytestmark = [pytest.mark.redis, pytest.mark.usefixtures("ten_users")]


async def test_hits_are_heard_and_are_in_no_account(space: LiveSpace) -> None:
    policy = Recurring()
    worker = Foreseeing(space, policy)
    await space.ask(made("user-1", range(6), hits=4), made("user-2", range(5), hits=5))
    await worker.works()
    await worker.idles(0.1)
    assert await outcomes(space) == {"demanded": 2, "computed": 2}
    heard = {(len(asked.pairs), int(np.count_nonzero(asked.standing))) for asked in policy.heard}
    assert heard == {(5, 5), (6, 4)}


async def test_requests_are_heard_in_their_order_and_none_that_is_older_than_the_users_last(
    space: LiveSpace,
) -> None:
    policy = Recurring()
    worker = Foreseeing(space, policy)
    later = [NOW_MS + 1000 * number for number in range(4)]
    await space.ask(*(made("user-1", range(3), hits=3, at_ms=at_ms) for at_ms in later))
    await worker.works()
    await space.ask(made("user-1", range(3), hits=3, at_ms=NOW_MS + 1))
    await worker.works()
    await worker.idles(0.1)
    assert [asked.now_ms for asked in policy.heard] == later
    worker.speculator.measure()
    assert worker.tally.counts["speculation", "late"] == 1


async def test_what_waits_in_hand_keeps_nothing_of_the_others(space: LiveSpace) -> None:
    worker = Foreseeing(space, Recurring())
    asked = made("user-1", range(60), hits=59)
    await space.ask(asked)
    await worker.own.tick()
    await worker.intake.refill(worker.own.leases(), 0)
    [message] = worker.hand.take(100)
    assert message.body == encode(asked._replace(others=None), 0)
    assert message.demand.others is None


async def test_worker_without_a_policy_settles_what_was_only_to_be_heard(space: LiveSpace) -> None:
    worker = Hired(space)
    await space.ask(made("user-1", range(6), hits=4), made("user-2", range(5), hits=5))
    await worker.own.tick()
    await worker.loop.step()
    assert await outcomes(space) == {"demanded": 2, "computed": 2}


async def test_wished_pairs_are_computed_under_the_shards_token(space: LiveSpace) -> None:
    worker = Foreseeing(space, Recurring())
    await space.ask(made("user-1", range(6), hits=4))
    await worker.works()
    assert await held(space, "user-1") == keys_of(range(4, 6))
    await worker.idles(1.0)
    assert await held(space, "user-1") == keys_of(range(6))
    page = await space.page("user-1")
    assert page is not None
    assert page.fence in {lease.token for lease in worker.own.leases().values()}
    assert page.newest_ms - NOW_MS == pytest.approx(1000, abs=500)
    assert await outcomes(space) == {"demanded": 2, "computed": 2}
    assert (worker.speculator.computed, worker.speculator.dropped["fresh"]) == (4, 2)
    assert closes(worker)


async def test_policy_is_told_of_what_demand_and_speculation_computed(space: LiveSpace) -> None:
    policy = Recurring()
    worker = Foreseeing(space, policy)
    await space.ask(made("user-1", range(6), hits=4))
    await worker.works()
    await worker.idles(1.0)
    await worker.idles(0.1)
    told = [len(computed.pairs) for computed in policy.told]
    assert told == [2, 4]
    assert all((np.diff(computed.pairs) > 0).all() for computed in policy.told)


async def test_demand_goes_before_what_waits_and_behind_at_most_one_batch(
    space: LiveSpace,
) -> None:
    worker = Foreseeing(space, Recurring())
    worker.size.pairs = 8
    worker.size.took = lambda pairs, seconds: None  # type: ignore[method-assign]
    await space.ask(made("user-1", range(40), hits=40))
    await worker.works()
    worker.time.now += 1.0
    await worker.loop.step()
    worker.time.now += 0.1
    await worker.loop.step()
    assert (worker.speculator.computed, worker.speculator.waiting) == (8, 32)
    await space.ask(make_demand("user-2", range(100, 103)))
    await worker.loop.step()
    assert await held(space, "user-2") == keys_of(range(100, 103))
    assert worker.speculator.computed == 8
    await worker.loop.step()
    assert worker.speculator.computed == 16


async def test_budget_bounds_what_is_computed(space: LiveSpace) -> None:
    worker = Foreseeing(space, Recurring(), budget=AMPLE.model_copy(
        update={"pairs_per_s": 10.0, "saved_pairs": 0.0, "run_pairs": 8}
    ))  # fmt: skip
    await space.ask(made("user-1", range(40), hits=40))
    await worker.works()
    await worker.idles(1.0)
    assert worker.speculator.computed == 8
    await worker.idles(0.5)
    assert worker.speculator.computed == 8
    await worker.idles(1.0)  # a run of 8 pairs costs 8 + 4
    assert worker.speculator.computed == 16


async def test_pair_of_another_context_is_computed_under_that_context(space: LiveSpace) -> None:
    worker = Foreseeing(space, Recurring())
    earlier = make_demand("user-1", range(3))
    later = earlier._replace(context=np.array([key64("story")], np.uint64), as_of_ms=NOW_MS + 5)
    await space.ask(told(earlier, 3), told(later, 3))
    await worker.works()
    await worker.idles(1.0)
    assert await held(space, "user-1") == keys_of(range(3)) | keys_of(range(3), "story")
    assert {int(wanted.context[0]) for wanted in worker.counting.wanted} == {
        key64("feed"), key64("story")
    }  # fmt: skip


async def test_what_the_page_has_already_is_not_judged_and_the_policy_learns_of_it(
    space: LiveSpace,
) -> None:
    await space.ask(make_demand("user-1", range(4)))
    earlier = Hired(space, b"earlier")
    await earlier.works()
    await earlier.own.end()
    policy = Recurring()
    worker = Foreseeing(space, policy)
    await space.ask(made("user-1", range(6), hits=6))
    await worker.works()
    await worker.idles(1.0)
    await worker.idles(0.1)
    assert worker.asked_items() == [2]
    assert worker.speculator.dropped["fresh"] == 4
    known = {pair for computed in policy.told for pair in computed.pairs.tolist()}
    assert len(known) == 6
    assert closes(worker)


async def test_useful_work_and_recall_are_measured(space: LiveSpace) -> None:
    worker = Foreseeing(space, Recurring())
    await space.ask(made("user-1", range(8), hits=8))
    await worker.works()
    await worker.idles(1.0)
    await space.ask(made("user-1", range(2, 12), hits=6, at_ms=NOW_MS + 60_000))
    await worker.works()
    await worker.loop.measure()
    counts: Mapping[tuple[str, str], float] = worker.tally.counts
    assert counts["speculation", "computed"] == 8
    assert counts["speculation", "read"] == 6
    assert counts["speculation", "asked"] == 18
    assert counts["speculation", "foreseen"] == 6
    assert worker.tally.levels["speculation_useful_ratio"] == 0.75
    assert worker.tally.levels["speculation_recall"] == pytest.approx(6 / 18)


def test_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="pairs_per_s"):
        Budget(pairs_per_s=0.0)
