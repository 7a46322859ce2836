"""Whatever happens in whatever order, the sum closes: two workers, one real server, no luck."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.demand import Demand
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import Hired, LiveSpace

pytestmark = pytest.mark.redis

ACTIONS = ("step", "step", "tick", "lose", "kill", "begin")
Deed = tuple[str, int]
Asking = tuple[str, int, int]


async def do(space: LiveSpace, workers: list[Hired], what: str, which: int) -> None:
    worker = workers[which]
    match what:
        case "step":
            await worker.own.tick()
            await worker.intake.refill(worker.own.leases(), 0)
            if worker.hand:  # else it would wait for more
                await worker.loop.step()
        case "tick":
            await worker.own.tick()
        case "lose":
            for shard in range(space.shards):
                await space.ends_lease(shard)
        case "kill":
            workers[which] = Hired(space, b"again-%d" % which)
        case "begin":
            # What it takes now it never answers.
            await worker.intake.refill(worker.own.leases(), 0)
            await worker.attempts._begun(worker.hand.take(20))


def demand_of(user: str, first: int, count: int) -> Demand:
    return make_demand(user, range(first, first + count))


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1)),
            st.tuples(st.sampled_from("abcd"), st.integers(0, 20), st.integers(1, 12)),
        ),
        max_size=40,
    ),
    st.integers(2, 20),
)
async def test_every_demanded_pair_is_counted_once(
    space: LiveSpace, deeds: list[Deed | Asking], limit: int
) -> None:
    await space.client.flushall()
    workers, asked = [Hired(space, b"0"), Hired(space, b"1")], 0
    for deed in deeds:
        if len(deed) == 3:
            asked += deed[2]
            await space.ask(demand_of(*deed), limit=limit)
        else:
            await do(space, workers, *deed)
        account = await space.account()
        assert account.demanded == asked
        assert (account.unsettled == 0) == (await space.waiting() == 0)
    await do(space, workers, "lose", 0)
    await space.forgets_workers()
    await Hired(space, b"last").works()
    assert (await space.waiting(), (await space.account()).unsettled) == (0, 0)
