import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cache.nibbles import joined, split

ROWS = st.integers(1, 9).flatmap(
    lambda dim: st.lists(
        st.lists(st.integers(-8, 7), min_size=dim, max_size=dim), min_size=1, max_size=5
    )
)


@given(ROWS)
def test_split_is_the_inverse_of_joined(rows: list[list[int]]) -> None:
    codes = np.array(rows, np.int8)
    packed = joined(codes)
    assert packed.shape == (len(rows), (codes.shape[1] + 1) // 2)
    np.testing.assert_array_equal(split(packed, codes.shape[1]), codes)


def test_low_nibble_comes_first_and_odd_rows_end_in_a_zero() -> None:
    assert joined(np.array([[1, -1, 7], [-8, 0, 2]], np.int8)).tolist() == [
        [0xF1, 0x07],
        [0x08, 0x02],
    ]


def test_no_rows_split_into_none() -> None:
    assert split(np.zeros((0, 16), np.uint8), 32).shape == (0, 32)
