"""What one request adds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.schema import TIERS
from server.rollout.guardrails.agreement import Agreement
from server.rollout.guardrails.attribution import Settled
from server.rollout.guardrails.counting import (
    Answer,
    count_answer,
    count_ratio,
    count_scored,
    count_settled,
    count_shadow,
    group_of,
    latency_bucket,
    score_bucket,
    score_buckets,
)
from server.rollout.guardrails.errors import CountRefused
from server.rollout.guardrails.layout import (
    AGE_S,
    ANSWERED,
    CLICKS,
    CLICKS_SQUARED,
    COMPARED,
    CONSTANT,
    DEGRADATIONS,
    DEGRADED,
    GROUPS,
    HINTED,
    LATENCY_EDGES_S,
    NAN,
    RATIOS,
    REQUESTS,
    SCORES,
    TIER_CANDIDATES,
    TOP_K,
    TOTAL,
    VALUE,
)
from server.rollout.guardrails.sums import Sums


def answer(scores: list[float], **fields: Any) -> Answer:
    told = Answer(
        request_id="r",
        user_id="u",
        total_s=5e-3,
        degraded=(),
        scores=np.array(scores, np.float64),
        by_tier=[len(scores), *[0] * (len(TIERS) - 1)],
        age_s=0.0,
    )
    return told._replace(**fields)


def counted(told: Answer) -> Sums:
    sums = Sums()
    count_answer(sums, told)
    return sums


def test_score_that_is_no_number_is_counted_and_not_as_a_score() -> None:
    sums = counted(answer([0.1, np.nan]))
    assert float(sums.one(NAN)) == 1.0
    assert sums.many(SCORES).sum() == 0.0


def test_number_that_was_none_counts_though_something_else_answered() -> None:
    sums = counted(answer([0.1, 0.1], has_nan=True))
    assert float(sums.one(NAN)) == 1.0
    assert sums.many(SCORES).sum() == sums.one(CONSTANT) == 0.0


def test_what_nobody_waited_for_has_no_time() -> None:
    sums = Sums()
    count_scored(sums, answer([0.1]))
    assert float(sums.one(REQUESTS)) == sums.many(SCORES).sum() == 1.0
    assert not sums.many(TOTAL).any()


@given(st.floats(0.0, 1.0), st.floats(0.0, 10.0))
def test_one_value_is_in_the_bucket_that_it_is_in_among_many(p: float, seconds: float) -> None:
    # The logarithm of many at once may differ in its last bit, at an edge.
    nudged = [score_buckets(np.array([p * (1.0 + by)]))[0] for by in (-1e-12, 0.0, 1e-12)]
    assert min(nudged) <= score_bucket(p) <= max(nudged)
    assert latency_bucket(seconds) == np.searchsorted(LATENCY_EDGES_S, seconds)


@pytest.mark.parametrize(
    ("scores", "count"), [([0.1, 0.1], 1), ([0.1, 0.2], 0), ([0.1], 0), ([], 0)]
)
def test_only_two_candidates_or_more_can_be_constant(scores: list[float], count: int) -> None:
    assert float(counted(answer(scores)).one(CONSTANT)) == count


def test_one_score_of_a_request_is_drawn_and_each_as_often_as_others() -> None:
    sums = Sums()
    for place in range(400):
        count_answer(sums, answer([0.02, 0.5], request_id=f"r-{place}"))
    low, high = score_buckets(np.array([0.02, 0.5]))
    drawn = sums.many(SCORES)
    assert drawn.sum() == 400
    assert 150 < drawn[low] < 250
    assert drawn[high] == 400 - drawn[low]


def test_scores_of_zero_and_one_fall_into_the_outer_buckets() -> None:
    assert score_buckets(np.array([0.0, 1.0])).tolist() == [0, len(Sums().many(SCORES)) - 1]


def test_time_is_in_the_bucket_that_its_edges_enclose() -> None:
    sums = counted(answer([0.1], total_s=5e-3))
    [bucket] = np.flatnonzero(sums.many(TOTAL)).tolist()
    assert LATENCY_EDGES_S[bucket - 1] < 5e-3 <= LATENCY_EDGES_S[bucket]


@pytest.mark.parametrize(("ratio", "bucket"), [(0.01, 0), (1.0, 32), (1.01, 33), (100.0, 65)])
def test_ratio_is_in_the_bucket_that_its_edges_enclose(ratio: float, bucket: int) -> None:
    sums = Sums()
    count_ratio(sums, ratio)
    assert np.flatnonzero(sums.many(RATIOS)).tolist() == [bucket]


def test_unknown_stage_is_refused_and_nothing_counted() -> None:
    sums = Sums()
    with pytest.raises(CountRefused, match=r"'kitchen'.*cache"):
        count_answer(sums, answer([0.1], degraded=["cache", "kitchen"]))
    assert not sums.held.any()


def test_stage_named_twice_counts_once() -> None:
    sums = counted(answer([0.1], degraded=["cache", "cache", "total"]))
    expected = [float(stage in {"cache", "total"}) for stage in DEGRADED]
    assert sums.many(DEGRADATIONS).tolist() == expected


def test_hints_are_counted_by_tier_with_their_ages_and_the_share_of_the_request() -> None:
    sums = counted(answer([0.1] * 4, by_tier=[1, 0, 1, 0, 2], age_s=6.0))
    assert sums.many(TIER_CANDIDATES).tolist() == [1.0, 0.0, 1.0, 0.0, 2.0]
    assert float(sums.one(AGE_S)) == 6.0
    assert sums.grouped(HINTED)[group_of("u")] == 0.75
    assert sums.grouped(ANSWERED).sum() == 1.0


def test_outcome_is_of_the_users_group() -> None:
    sums = Sums()
    count_settled(sums, Settled("u", 5, 0.5, 0.4, 2.0, 7.0))
    assert sums.grouped(CLICKS)[group_of("u")] == 2.0
    assert sums.grouped(VALUE)[group_of("u")] == 7.0
    assert float(sums.one(CLICKS_SQUARED)) == 4.0


def test_users_spread_over_all_groups() -> None:
    sizes = np.bincount([group_of(f"user-{place}") for place in range(6400)], minlength=GROUPS)
    assert sizes.min() > 50
    assert sizes.max() < 160


def test_order_of_too_few_candidates_is_counted_neither_as_alike_nor_as_another() -> None:
    sums = Sums()
    for agreed in (Agreement(1, 2), Agreement(0, 1), Agreement(0, 0)):
        count_shadow(sums, agreed)
    assert (float(sums.one(COMPARED)), float(sums.one(TOP_K))) == (2.0, 0.5)
