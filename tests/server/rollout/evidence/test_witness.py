"""What is counted of which lane."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.rollout.evidence.merging import CANARY, STABLE, merged
from server.rollout.evidence.witness import AGAIN_S, Witness
from server.rollout.guardrails.layout import (
    DEGRADATIONS,
    DEGRADED,
    ERRORS,
    HINTED,
    NAN,
    REQUESTS,
    SCORES,
    TOTAL,
)
from server.rollout.judging import verdict_of
from server.wire import Degraded
from tests.server.rollout.evidence.told import (
    Clock,
    answers_in,
    ranked_of,
    state_of,
    sums_of,
    tell,
    users_of,
)

LANES = st.sampled_from([STABLE, CANARY])


def test_canary_is_counted_whole_and_of_the_stable_lane_the_control_group_alone() -> None:
    witness = Witness(state_of(share=0.25), "click")
    control, others = users_of(witness, 3), users_of(witness, 5, is_control=False)
    for user in (*control, *others):
        tell(witness, STABLE, ranked_of(user))
        tell(witness, CANARY, ranked_of(user))
    assert answers_in(sums_of(witness, STABLE)) == 3
    assert answers_in(sums_of(witness, CANARY)) == 8


@pytest.mark.parametrize("stage", ["shadowing", "verifying", "idle"])
def test_nothing_is_counted_of_answers_where_no_canary_answers(stage: str) -> None:
    witness = Witness(state_of(stage), "click")
    for lane in (STABLE, CANARY):
        tell(witness, lane, ranked_of())
        witness.failed(lane, "u")
        assert not sums_of(witness, lane).held.any()


def test_failure_is_an_error_of_those_who_are_counted() -> None:
    witness = Witness(state_of(share=0.25), "click")
    [inside], [outside] = users_of(witness, 1), users_of(witness, 1, is_control=False)
    for user in (inside, outside):
        witness.failed(STABLE, user)
        witness.failed(CANARY, user)
    errors = [float(sums_of(witness, lane).one(ERRORS)) for lane in (STABLE, CANARY)]
    assert errors == [1.0, 2.0]


def test_canary_that_sheds_most_is_rolled_back_though_what_it_answers_is_in_time() -> None:
    state = state_of(share=0.25)
    witness = Witness(state, "click")
    for number, user in enumerate(users_of(witness, 20)):
        tell(witness, STABLE, ranked_of(user))
        if number % 10:
            witness.failed(CANARY, user)
        else:
            tell(witness, CANARY, ranked_of(user))
    verdict = verdict_of(state, *(sums_of(witness, lane) for lane in (STABLE, CANARY)))
    assert verdict is not None
    assert (verdict.kind, verdict.by) == ("rollback", "error_limit")


def test_answer_is_counted_with_its_times_hints_and_reasons() -> None:
    witness = Witness(state_of(), "click")
    tell(witness, CANARY, ranked_of(pairs=1), Degraded("cache", "stale"))
    sums = sums_of(witness, CANARY)
    assert sums.many(TOTAL).sum() == 1.0
    assert sums.grouped(HINTED).sum() == 0.5
    assert sums.many(DEGRADATIONS).tolist() == [float(name == "cache") for name in DEGRADED]


def test_number_that_was_none_is_counted_though_prior_scores_answered() -> None:
    witness = Witness(state_of(), "click")
    for reason in ("not_finite", "not_finite_stand_in", "failed", None):
        tell(witness, CANARY, ranked_of(reason=reason))
    sums = sums_of(witness, CANARY)
    assert float(sums.one(NAN)) == 2.0
    assert sums.many(SCORES).sum() == 2.0


@pytest.mark.parametrize("lane", [STABLE, CANARY])
def test_what_cannot_be_counted_harms_nobody_and_is_noted(lane: str) -> None:
    witness = Witness(state_of(share=0.25), "click")
    [user] = users_of(witness, 1)
    tell(witness, lane, ranked_of(user), Degraded("kitchen", "fire"))
    assert not sums_of(witness, lane).held.any()
    assert witness.counts() == {"not_counted": 1}


def test_only_lanes_that_changed_are_told_and_all_again_after_a_while() -> None:
    clock = Clock()
    witness = Witness(state_of(), "click", clock=clock)
    assert set(witness.encoded()) == {STABLE, CANARY}
    assert witness.encoded() == {}
    tell(witness, CANARY, ranked_of())
    assert set(witness.encoded()) == {CANARY}
    assert witness.encoded() == {}
    clock.now_s += AGAIN_S
    again = witness.encoded()
    assert set(again) == {STABLE, CANARY}
    assert merged({f"g:{lane}": data for lane, data in again.items()})[1].one(REQUESTS) == 1.0


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            LANES,
            st.integers(0, 12),
            st.booleans(),
            st.sampled_from([0.0, 0.25, 0.5, 1.0]),
            st.integers(0, 3),
        ),
        max_size=30,
    )
)
def test_sums_of_several_processes_merged_are_those_of_one_that_saw_all(
    told: list[tuple[str, int, bool, float, int]],
) -> None:
    state = state_of(share=0.5)
    whole, parts = Witness(state, "click"), [Witness(state, "click") for _ in range(4)]
    for number, (lane, user, has_failed, score, process) in enumerate(told):
        for witness in (whole, parts[process]):
            if has_failed:
                witness.failed(lane, f"user-{user}")
            else:
                ranked = ranked_of(f"user-{user}", scores=(score, 0.5), pairs=process % 3)
                tell(witness, lane, ranked, number=number)
    sums = {
        f"gateway-{place}:{lane}": data
        for place, part in enumerate(parts)
        for lane, data in part.encoded().items()
    }
    for found, lane in zip(merged(sums), (STABLE, CANARY), strict=True):
        np.testing.assert_array_equal(found.held, sums_of(whole, lane).held)
