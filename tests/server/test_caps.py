import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.features.records import I64
from server.caps import Caps, places_within
from tests.server.capped import in_turn

GROUPS = st.integers(1, 40).flatmap(
    lambda count: st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=count, max_size=count
    )
)


@given(groups=GROUPS, limits=st.tuples(st.integers(1, 4), st.integers(1, 9)), data=st.data())
def test_next_are_those_that_fit_one_after_another(
    groups: list[tuple[int, int]], limits: tuple[int, int], data: st.DataObject
) -> None:
    keys = np.array(groups, np.uint64)
    columns = data.draw(st.integers(1, 2))
    keys, bounds = keys[:, :columns], limits[:columns]
    taken = data.draw(st.lists(st.integers(0, len(keys) - 1), unique=True, max_size=6))
    count = data.draw(st.integers(0, 45))
    caps = Caps(keys, bounds)
    for item in taken:
        caps.take(item)
    rest: I64 = np.setdiff1d(np.arange(len(keys)), taken)
    assert caps.next(rest, count).tolist() == in_turn(keys, bounds, taken, count)


def test_open_are_those_whose_groups_all_have_room() -> None:
    caps = Caps(np.array([[1, 7], [1, 8], [2, 7], [0, 8]], np.uint64), (1, 2))
    assert caps.take(0)
    assert caps.open.tolist() == [False, False, True, True]
    assert caps.take(2)
    assert caps.open.tolist() == [False, False, False, True]
    assert not caps.take(3)
    assert not caps.is_over
    caps.take(1)
    assert caps.is_over


def test_no_group_is_never_full() -> None:
    caps = Caps(np.zeros((5, 1), np.uint64), (1,))
    assert not caps.take(0)
    assert caps.next(np.arange(1, 5), 9).tolist() == [1, 2, 3, 4]


@given(st.lists(st.integers(0, 4), max_size=30))
def test_places_within_count_the_same_before(keys: list[int]) -> None:
    expected = [keys[:place].count(key) for place, key in enumerate(keys)]
    assert places_within(np.array(keys, np.uint64)).tolist() == expected
