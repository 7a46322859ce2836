import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.features.grouping import grouped, grouped_in_order


@given(st.lists(st.integers(0, 5), max_size=40))
def test_every_candidate_stands_once_in_the_row_of_its_request(index: list[int]) -> None:
    rows, place = grouped(np.array(index, np.int64), 6)
    assert rows.reshape(-1)[place].tolist() == list(range(len(index)))
    assert len(set(place.tolist())) == len(index)
    width = rows.shape[1]
    assert width == max((index.count(request) for request in range(6)), default=0)
    assert [at // width for at in place.tolist()] == index


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8))
def test_requests_in_order_are_grouped_as_any_others(sizes: list[int]) -> None:
    index = np.repeat(np.arange(len(sizes)), sizes)
    for fast, slow in zip(grouped_in_order(sizes), grouped(index, len(sizes)), strict=True):
        assert fast.dtype == slow.dtype == np.int64
        np.testing.assert_array_equal(fast, slow)


@given(st.lists(st.integers(0, 3), max_size=20))
def test_candidates_of_a_request_keep_their_order(index: list[int]) -> None:
    rows, _ = grouped(np.array(index, np.int64), 4)
    for request, row in enumerate(rows):
        own = [at for at, owner in enumerate(index) if owner == request]
        assert row[: len(own)].tolist() == own
        assert not row[len(own) :].any()
