"""No policy passes the ceilings; and the most that a span holds, against a slow count."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.simulation.ceiling import Ceilings, most_together
from models.speculation.policies import POLICIES, policy_of
from models.speculation.scheduler import Budget
from models.speculation.simulator import Rules, simulate
from models.speculation.trace import Trace
from tests.models.speculation.small_traces import trace_of, traces


def rules_of(pairs_per_s: float, warm_up: float = 0.0) -> Rules:
    budget = Budget(pairs_per_s=pairs_per_s, saved_pairs=0.0, run_pairs=1)
    return Rules(budget=budget, soft_ttl_s=20.0, hard_ttl_s=100.0, warm_up=warm_up)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), max_size=20), st.integers(1, 10))
def test_every_span_around_a_request_is_counted(asks: list[tuple[int, int]], span: int) -> None:
    asks = sorted(asks)
    key, at_ms = np.array(asks, np.int64).reshape(-1, 2).T
    slow = [
        max(
            sum(other == mine and begin <= when <= begin + span for other, when in asks)
            for begin in range(now - span, now + 1)
        )
        for mine, now in asks
    ]
    assert most_together(at_ms, key, span).tolist() == slow


@settings(max_examples=100, deadline=None)
@given(traces(), st.sampled_from([0.01, 0.1, 10.0]), st.sampled_from([*POLICIES]))
def test_no_policy_passes_perfect_foresight(trace: Trace, pairs_per_s: float, name: str) -> None:
    rules = rules_of(pairs_per_s, warm_up=0.25)
    found = Ceilings.of(trace, rules)
    reached = simulate(trace, policy_of(name, rules.hard_ttl_s), rules).figures.coverage
    assert reached <= found.foreseen + 1e-9
    assert found.repeated <= found.foreseen <= 1.0


def test_an_entry_covers_what_is_asked_within_its_life_and_no_first_request_of_a_repeat() -> None:
    trace = trace_of((0, 0, [1, 2]), (50_000, 0, [1]), (90_000, 0, [1]), (5_000_000, 0, [3]))
    found = Ceilings.of(trace, rules_of(1.0))
    assert (found.foreseen, found.repeated) == (1.0, 0.4)
    # One entry beside the one that may always begin: it covers three requests of pair 1.
    scarce = Ceilings.of(trace, rules_of(1e-6))
    assert (scarce.foreseen, scarce.repeated) == (0.6, 0.4)
