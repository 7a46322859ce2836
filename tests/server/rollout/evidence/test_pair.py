"""One request as two lanes judged it."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from models.features.hashing import keys64
from server.assembly import Assembled, Prepared
from server.candidates import CandidateColumns
from server.line import Judged
from server.ranked import Inputs, Ranked, Scored
from server.rollout.evidence.pair import agreed, prepared_of, scores_of_shown
from server.rollout.guardrails.agreement import Agreement
from tests.server.rollout.evidence.told import ranked_of

ITEMS = tuple("abcdefghi")
NOTHING: Any = None


def judged(scores: list[float], kept: list[int] | None = None, **scored: Any) -> Judged:
    """Of the candidates that are kept."""
    ids = [ITEMS[place] for place in (range(len(scores)) if kept is None else kept)]
    places = None if kept is None else np.array(kept)
    assembled = Assembled(keys64(ids), NOTHING, NOTHING, None, NOTHING, places)
    return Judged(assembled, Scored(np.array(scores), None, **scored), NOTHING)


def asked(
    scores: tuple[float, ...], bids: list[float] | None = None, slate: int | None = None
) -> Ranked:
    """Of the first of ITEMS, with what it was made from."""
    items = ITEMS[: len(scores)]
    ranked = ranked_of("u", items, scores, bids=bids, slate=slate)
    worth = None if bids is None else np.array(bids)
    columns = CandidateColumns(list(items), worth, [], False)
    prepared = Prepared(0, None, None, ranked.context, columns)
    none: Any = NOTHING
    assembly = type("Made", (), {"prepared": [none, prepared]})()
    return ranked._replace(inputs=Inputs(assembly, 1))


def test_what_it_was_made_from_is_its_own_among_those_of_a_batch() -> None:
    assert prepared_of(asked((0.4, 0.3, 0.2, 0.1))).columns.item_ids == list("abcd")


@pytest.mark.parametrize(
    ("scores", "share"),
    [
        ([0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], 1.0),
        ([0.8, 0.6, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1], 0.5),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], 0.0),
    ],
)
def test_first_quarter_is_compared_as_a_set(scores: list[float], share: float) -> None:
    ranked = asked((0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1))
    assert agreed(ranked, judged(scores), 10).share == share


def test_orders_are_by_value_with_bids_and_not_as_they_were_answered() -> None:
    ranked = asked((0.4, 0.3, 0.2, 0.1), [1.0, 1.0, 1.0, 9.0], slate=1)
    assert agreed(ranked, judged([0.4, 0.3, 0.2, 0.1]), 2).share == 1.0
    assert agreed(ranked, judged([0.4, 0.3, 0.2, 0.01]), 2).share == 0.0


def test_formula_of_the_candidate_orders_where_it_has_one() -> None:
    other = judged([0.4, 0.3, 0.2, 0.1], worth=np.array([1.0, 2.0, 3.0, 4.0]))
    assert agreed(asked((0.1, 0.2, 0.3, 0.4)), other, 4).share == 1.0


def test_candidates_that_one_lane_leaves_out_are_told_apart() -> None:
    ranked = asked((0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1), [1.0] * 9)
    other = judged([0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], kept=[1, 2, 3, 4, 5, 6, 7, 8])
    assert agreed(ranked, other, 10) == Agreement(shared=1, places=2)


def test_where_too_few_are_left_to_both_nothing_is_told_of_orders() -> None:
    other = judged([0.3, 0.2, 0.1], kept=[1, 2, 3])
    assert agreed(asked((0.4, 0.3, 0.2, 0.1)), other, 10).places == 0


def test_candidates_scores_are_of_what_was_answered_in_its_order() -> None:
    ranked = asked((0.1, 0.4, 0.2, 0.3), slate=3)
    found = scores_of_shown(ranked, judged([0.5, 0.6, 0.7, 0.8]))
    assert found is not None
    np.testing.assert_array_equal(found, np.array([0.6, 0.8, 0.7], np.float32))


@pytest.mark.parametrize("kept", [list(order) for order in permutations([1, 2, 3])])
def test_scores_are_found_by_item_where_the_lanes_kept_others(kept: list[int]) -> None:
    ranked = asked((0.1, 0.4, 0.2, 0.3), slate=2)
    found = scores_of_shown(ranked, judged([0.5 + place / 10 for place in kept], kept=kept))
    assert found is not None
    np.testing.assert_allclose(found, [0.6, 0.8], rtol=1e-6)


def test_no_scores_are_given_where_some_of_the_slate_was_left_out() -> None:
    ranked = asked((0.1, 0.4, 0.2, 0.3), slate=2)
    assert scores_of_shown(ranked, judged([0.5, 0.6], kept=[0, 1])) is None
    assert scores_of_shown(ranked, judged([], kept=[])) is None
