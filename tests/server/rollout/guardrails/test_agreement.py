"""How alike two orders are, in so few places that chance would seldom make them so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.rollout.guardrails.agreement import Agreement, agreement

ORDERS = st.permutations(range(16))


def test_same_order_agrees_wholly_and_an_inverted_one_not_at_all() -> None:
    order = list(range(12))
    assert agreement(order, order, 10) == Agreement(shared=3, places=3)
    assert agreement(order, order[::-1], 10) == Agreement(shared=0, places=3)


@pytest.mark.parametrize(
    ("candidates", "places"), [(4, 1), (7, 1), (8, 2), (17, 4), (39, 9), (40, 10), (500, 10)]
)
def test_no_more_than_a_quarter_of_the_candidates_is_compared(candidates: int, places: int) -> None:
    order = list(range(candidates))
    assert agreement(order, order, 10).places == places


@pytest.mark.parametrize("candidates", range(4))
def test_of_fewer_than_four_candidates_nothing_is_told(candidates: int) -> None:
    order = list(range(candidates))
    assert agreement(order, order, 10) == Agreement(shared=0, places=0)


def test_candidates_that_one_alone_has_are_no_reason_to_compare_more_places() -> None:
    one, other = list(range(12)), list(range(5, 17))
    assert agreement(one, other, 10).places == 1  # seven are in both
    assert agreement(one, list(range(12, 24)), 10).places == 0


@pytest.mark.parametrize("candidates", range(4, 60))
def test_chance_shares_a_quarter_at_most(candidates: int) -> None:
    places = agreement(list(range(candidates)), list(range(candidates)), 10).places
    assert 0.0 < places / candidates <= 0.25
    rng = np.random.default_rng(candidates)
    orders = [rng.permutation(candidates).tolist() for _ in range(400)]
    found = [agreement(orders[0], order, 10).share for order in orders]
    assert np.mean(found) == pytest.approx(places / candidates, abs=0.08)


@given(ORDERS, ORDERS, st.integers(1, 8))
def test_agreement_is_symmetric_and_between_none_and_all(
    one: list[int], other: list[int], k: int
) -> None:
    found = agreement(one, other, k)
    assert found == agreement(other, one, k)
    assert 0.0 <= found.share <= 1.0
