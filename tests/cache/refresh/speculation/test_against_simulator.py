"""The simulator held against real refresher parts: one trace, one server, the same policies.

Coverage is the same for each request, as long as there is budget for all that is wished for (codes
of pairs differ, and with them what goes first of equals) and no request comes sooner after another
than the simulator's plan and delay. One thing differs, and is told to the simulator: live workers
answer demand whatever the policy, which simulated ones do only where the policy wishes for it.
"""

from typing import Final

import numpy as np
import pytest

from cache.arrays import F64
from models.features.hashing import key64, keys64
from models.features.records import I64
from models.speculation.demand_only import DemandOnly
from models.speculation.policies import policy_of
from models.speculation.policy import Asked, Computed, Policy, Waits, Wishes, joined
from models.speculation.simulator import Rules, simulate
from models.speculation.trace import Trace
from tests.bundles import NOW_MS
from tests.cache.fake_clock import FakeClock
from tests.cache.refresh.live_space import Hired, LiveSpace
from tests.cache.refresh.outcomes import outcomes
from tests.cache.refresh.speculation.foreseeing import AMPLE, TTL, Foreseeing
from tests.cache.refresh.speculation.gateway import Gateway, Request
from tests.models.speculation.small_traces import CONTEXTS, trace_of

pytestmark = [pytest.mark.redis, pytest.mark.usefixtures("ten_users")]

GAPS_MS: Final = (5_000, 40_000, 300_000, 1_200_000, 2_400_000)
"""None shorter than the simulator's pause before a plan and its delay before an entry is read."""
RULES: Final = Rules(
    budget=AMPLE,
    soft_ttl_s=TTL.soft_s,
    hard_ttl_s=TTL.hard_s,
    warm_up=0.0,
)
DIFFERING: Final = {"hazard": 0, "student-score": 0, "popularity": 1, "all": 1}
"""Requests that may be covered otherwise. Lists of the most offered pairs are renewed by the plan
that finds them ten minutes old, and plans are not at the same second."""


class WithDemand:
    """A policy as it is live: what is missed is computed beside what it wishes for."""

    def __init__(self, policy: Policy) -> None:
        self.holds_back = policy.holds_back
        self._policy, self._demand = policy, DemandOnly()

    def asked(self, asked: Asked) -> None:
        self._policy.asked(asked)
        self._demand.asked(asked)

    def computed(self, computed: Computed) -> None:
        self._policy.computed(computed)

    def wishes(self, now_ms: int, limit: int) -> Wishes:
        return joined([self._policy.wishes(now_ms, limit), self._demand.wishes(now_ms, limit)])

    def values(self, waits: Waits, now_ms: int) -> F64:
        return np.maximum(self._policy.values(waits, now_ms), 1e-9)


def small_trace(seed: int = 0, requests: int = 24) -> Trace:
    """Users have favourites, and ask in one context at a time."""
    rng = np.random.default_rng(seed)
    at_ms = NOW_MS + np.cumsum(rng.choice(GAPS_MS, requests, p=[0.3, 0.3, 0.2, 0.1, 0.1]))
    asked = []
    for now_ms in at_ms.tolist():
        user = int(rng.integers(0, 5))
        items = (6 * user + np.flatnonzero(rng.random(12) < 0.6)) % 30
        context = int(rng.integers(0, CONTEXTS))
        asked.append((now_ms, user, np.sort(CONTEXTS * items + context).tolist()))
    trace = trace_of(*asked)
    return trace.scored(rng.random(len(trace.pair)).astype(np.float32))


def requests_of(trace: Trace) -> list[Request]:
    parts = [slice(*pair) for pair in zip(trace.offsets[:-1], trace.offsets[1:], strict=True)]
    return [
        Request(
            f"user-{user}",
            at_ms,
            np.array([key64(f"context-{trace.pair[part.start] % CONTEXTS}")], np.uint64),
            np.zeros(1, np.float32),
            keys64([f"item-{item}" for item in trace.item[part].tolist()]),
            trace.score[part],
        )
        for at_ms, user, part in zip(
            trace.time_ms.tolist(), trace.user.tolist(), parts, strict=True
        )
    ]


async def live_ages(space: LiveSpace, trace: Trace, policy: Policy | None) -> I64:
    """`[N]` as the simulator's outcome has them."""
    worker = Hired(space, ttl=TTL) if policy is None else Foreseeing(space, policy)
    time = worker.time if isinstance(worker, Foreseeing) else FakeClock()
    gateway = Gateway(space, TTL, time)
    started_s, ages = time.now, []
    await worker.own.tick()
    for request in requests_of(trace):
        due_s = started_s + (request.at_ms - int(trace.time_ms[0])) / 1000.0
        if isinstance(worker, Foreseeing):
            await idles_until(worker, due_s)
        time.now = due_s
        ages.append(await gateway.answer(request))
        await worker.works()
    return np.concatenate(ages)


async def idles_until(worker: Foreseeing, due_s: float) -> None:
    """Looking at every time at which a plan may be due."""
    pause_s = 1.0
    while worker.time.now + pause_s + 0.1 < due_s:
        await worker.idles(pause_s)
        pause_s = min(2.0 * pause_s, 60.0)


def coverage(trace: Trace, ages: I64) -> F64:
    """`[R]` by request."""
    covered = np.bincount(trace.request, ages >= 0, len(trace))
    return covered / np.diff(trace.offsets)


async def test_demand_only_covers_each_request_as_simulated(space: LiveSpace) -> None:
    trace = small_trace()
    simulated = simulate(trace, DemandOnly(), RULES).age_ms
    ages = await live_ages(space, trace, None)
    np.testing.assert_array_equal(coverage(trace, ages), coverage(trace, simulated))
    assert 0.1 < (ages >= 0).mean() < 0.8
    # A live answer to demand is there at once; the simulator's comes with its next plan.
    both = ages >= 0
    assert np.abs(ages[both] - simulated[both]).max() <= 3_000


@pytest.mark.parametrize("name", DIFFERING)
async def test_policy_covers_each_request_as_simulated_beside_demand(
    space: LiveSpace, name: str
) -> None:
    trace = small_trace()
    beside = WithDemand(policy_of(name, TTL.hard_s))
    simulated = simulate(trace, beside, RULES).age_ms
    ages = await live_ages(space, trace, policy_of(name, TTL.hard_s))
    differ = coverage(trace, ages) != coverage(trace, simulated)
    assert np.count_nonzero(differ) <= DIFFERING[name]
    alone = simulate(trace, DemandOnly(), RULES).age_ms
    assert (ages >= 0).mean() >= (alone >= 0).mean()
    assert (await outcomes(space))["demanded"] > 0
