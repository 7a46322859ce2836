"""The simulator against a slow one, and the rules that both follow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.speculation.policies import POLICIES, policy_of
from models.speculation.policy import HIT, MISS, STALE, Wishes
from models.speculation.scheduler import Budget
from models.speculation.simulator import Rules, simulate
from models.speculation.trace import Trace
from tests.models.speculation.slow_reference import FixedValues, SlowSimulator
from tests.models.speculation.small_traces import trace_of, traces

HARD_TTL_S = 100.0


def rules_of(pairs_per_s: float = 1000.0, **others: float) -> Rules:
    budget = Budget(pairs_per_s=pairs_per_s, saved_pairs=8.0, run_pairs=4)
    others = {"soft_ttl_s": 20.0, "hard_ttl_s": HARD_TTL_S, "warm_up": 0.0, **others}
    return Rules.model_validate({"budget": budget, **others})


rules = st.builds(
    rules_of,
    pairs_per_s=st.sampled_from([0.125, 1.0, 1000.0]),
    page_entries=st.sampled_from([2, 512]),
    delay_s=st.sampled_from([0.0, 1.0, 30.0]),
    idle_tick_s=st.sampled_from([1.0, 8.0]),
    warm_up=st.sampled_from([0.0, 0.5]),
)


@settings(max_examples=150, deadline=None)
@given(traces(), rules)
def test_every_age_and_count_is_that_of_a_simulation_with_dicts(trace: Trace, rules: Rules) -> None:
    slow = SlowSimulator(trace, rules)
    slow.run()
    outcome = simulate(trace, FixedValues(), rules)
    np.testing.assert_array_equal(outcome.age_ms, slow.ages_ms)
    np.testing.assert_array_equal(outcome.had, slow.had)
    assert outcome.counts.computed == slow.computed
    assert outcome.counts.selected == slow.selected
    assert outcome.counts.dropped["fresh"] == slow.fresh
    assert (outcome.entries.written, outcome.entries.read) == (slow.written, slow.read)


@settings(max_examples=100, deadline=None)
@given(traces(), rules, st.sampled_from([*POLICIES]))
def test_accounts_close(trace: Trace, rules: Rules, name: str) -> None:
    outcome = simulate(trace, policy_of(name, HARD_TTL_S), rules)
    counts, entries = outcome.counts, outcome.entries
    assert counts.selected == counts.computed + sum(counts.dropped.values())
    assert entries.written == entries.read + sum(entries.wasted.values())


@settings(max_examples=100, deadline=None)
@given(traces(), rules, st.sampled_from([*POLICIES]), st.data())
def test_the_future_changes_nothing(
    trace: Trace, rules: Rules, name: str, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(trace)))
    whole = simulate(trace, policy_of(name, HARD_TTL_S), rules)
    part = simulate(trace.until(count), policy_of(name, HARD_TTL_S), rules)
    seen = len(part.age_ms)
    np.testing.assert_array_equal(part.age_ms, whole.age_ms[:seen])
    np.testing.assert_array_equal(part.had, whole.had[:seen])


def heard_at(last_ms: int) -> int:
    """How the second request finds the pair of the first."""
    policy = FixedValues()
    simulate(trace_of((0, 0, [3]), (2_000, 1, []), (last_ms, 0, [3])), policy, rules_of())
    return int(policy.heard[-1].standing[0])


def test_a_pair_is_missed_until_its_entry_can_be_read_then_hit_then_stale_then_missed() -> None:
    # Planned one second after the request, readable another second later.
    assert [heard_at(ms) for ms in (2_000, 2_001)] == [MISS, HIT]
    assert [heard_at(ms) for ms in (21_000, 21_001)] == [HIT, STALE]
    assert [heard_at(ms) for ms in (101_000, 101_001)] == [STALE, MISS]


def test_a_full_page_keeps_what_has_most_of_life_times_chance() -> None:
    trace = trace_of((0, 0, [0, 2, 4]), (5_000, 0, [0, 2, 4]))
    trace = trace.scored(np.array([0.1, 0.9, 0.5] * 2, np.float32))
    outcome = simulate(trace, FixedValues(), rules_of(page_entries=2))
    assert (outcome.age_ms[3:] >= 0).tolist() == [False, True, True]
    assert outcome.entries.wasted["evicted"] == 1


def test_figures_leave_the_warm_up_out() -> None:
    trace = trace_of((0, 0, [0]), (10_000, 0, [0]))
    cold = simulate(trace, FixedValues(), rules_of(warm_up=0.0))
    warm = simulate(trace, FixedValues(), rules_of(warm_up=0.5))
    assert (cold.figures.coverage, warm.figures.coverage) == (0.5, 1.0)
    assert (cold.figures.useful, warm.figures.useful) == (1.0, 0.0)


def test_a_soft_ttl_past_the_hard_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="stale before it expires"):
        rules_of(soft_ttl_s=HARD_TTL_S + 1)


class _Dated(FixedValues):
    """Notes when it was asked for wishes, and for the latest request that it had heard of."""

    def __init__(self) -> None:
        super().__init__()
        self.planned: list[tuple[int, int]] = []

    def wishes(self, now_ms: int, limit: int) -> Wishes:
        self.planned.append((self.heard[-1].now_ms, now_ms))
        return super().wishes(now_ms, limit)


@settings(max_examples=100, deadline=None)
@given(traces(), rules)
def test_no_plan_is_dated_before_what_it_was_made_from(trace: Trace, rules: Rules) -> None:
    policy = _Dated()
    simulate(trace, policy, rules)
    assert all(heard_ms <= planned_ms for heard_ms, planned_ms in policy.planned)


def test_who_comes_after_a_pause_is_planned_for_a_second_later() -> None:
    policy = _Dated()
    trace = trace_of((0, 0, [3]), (50_500, 0, [5]), (60_000, 0, []))
    simulate(trace, policy, rules_of(idle_tick_s=60.0))
    assert (50_500, 51_500) in policy.planned
