"""How alike two slates are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.rollout.guardrails.agreement import agreement

ORDERS = st.permutations(range(8))


def test_same_slate_agrees_wholly_and_a_disjoint_one_not_at_all() -> None:
    assert agreement([1, 2, 3], [1, 2, 3], 3) == (1.0, 1.0)
    assert agreement([1, 2, 3, 4], [3, 4, 1, 2], 2) == (0.0, 0.0)


def test_first_places_weigh_most_in_overlap() -> None:
    last, first = agreement([1, 2, 3, 9], [1, 2, 4, 9], 3), agreement([1, 2, 3], [4, 2, 3], 3)
    assert last.top_k == pytest.approx(2 / 3)
    assert first.top_k == pytest.approx(2 / 3)
    assert last.overlap > first.overlap


def test_slate_shorter_than_k_is_compared_as_far_as_it_goes() -> None:
    assert agreement([1, 2], [2, 1], 10) == (1.0, 0.5)
    assert agreement([], [], 10) == (1.0, 1.0)


@given(ORDERS, ORDERS, st.integers(1, 8))
def test_agreement_is_symmetric_and_between_none_and_all(
    one: list[int], other: list[int], k: int
) -> None:
    found = agreement(one, other, k)
    assert found == agreement(other, one, k)
    assert all(0.0 <= each <= 1.0 for each in found)
