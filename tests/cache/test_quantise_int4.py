import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cache.arrays import F32
from cache.quantise_int4 import pack, unpack

SIXTEENTHS = st.integers(-32, 32).map(lambda code: code / 16)
"""Every value of a code and every tie between two."""


def matrices(low: float, high: float, least_width: int = 1) -> st.SearchStrategy[F32]:
    anywhere = st.floats(low, high, width=32)
    ties = SIXTEENTHS.filter(lambda value: low <= value <= high)
    shapes = array_shapes(min_dims=2, max_dims=2, min_side=least_width, max_side=9)
    return arrays(np.float32, shapes, elements=anywhere | ties)


def slow_code(value: float) -> int:
    """Python's own round goes to the even neighbour."""
    return min(max(round(8 * value), -8), 7)


def slow_bytes(row: list[float]) -> list[int]:
    bits = [format(slow_code(value) % 16, "04b") for value in row]
    bits += ["0000"] * (len(bits) % 2)
    return [int(bits[at + 1] + bits[at], 2) for at in range(0, len(bits), 2)]


@given(matrices(-2.0, 2.0))
def test_bytes_equal_a_slow_packing(z: F32) -> None:
    assert pack(z).tolist() == [slow_bytes(row) for row in z.tolist()]


@given(matrices(-2.0, 2.0))
def test_values_equal_a_slow_rounding(z: F32) -> None:
    expected = [[slow_code(value) / 8 for value in row] for row in z.tolist()]
    assert unpack(pack(z), z.shape[1]).tolist() == expected


def test_bytes_of_an_example_written_by_hand() -> None:
    # Codes 1, −1 | −8, 7 | 3, and 0, 0 | 0 (a tie), 2 (a tie) | −4.
    z = np.array([[0.125, -0.125, -1.0, 1.0, 0.375], [0, -0.0, 0.0625, 0.1875, -0.5]], np.float32)
    packed = pack(z)
    assert packed.dtype == np.uint8
    assert packed.tobytes() == bytes.fromhex("f1 78 03 00 20 0c")


@given(matrices(-2.0, 2.0))
def test_packing_again_changes_nothing(z: F32) -> None:
    once = unpack(pack(z), z.shape[1])
    assert pack(once).tobytes() == pack(z).tobytes()
    assert unpack(pack(once), z.shape[1]).tobytes() == once.tobytes()


def test_every_byte_survives_unpacking() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert pack(unpack(every, 32)).tolist() == every.tolist()


@given(matrices(-1.0, 0.9375))
def test_error_is_at_most_half_a_step(z: F32) -> None:
    assert np.abs(unpack(pack(z), z.shape[1]) - z).max() <= 1 / 16


def test_values_past_the_ends_saturate() -> None:
    largest = float(np.finfo(np.float32).max)
    z = np.array([[1.0, 0.95, -1.2, largest, -largest]], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert unpack(pack(z), 5).tolist() == [[0.875, 0.875, -1.0, 0.875, -1.0]]


@pytest.mark.parametrize(("dim", "width"), [(1, 1), (2, 1), (7, 4), (64, 32)])
def test_two_values_share_a_byte(dim: int, width: int) -> None:
    packed = pack(np.full((3, dim), -1.0, np.float32))
    assert packed.shape == (3, width)
    back = unpack(packed, dim)
    assert back.shape == (3, dim)
    assert back.dtype == np.float32
    assert back.flags["C_CONTIGUOUS"]
    assert back.flags["WRITEABLE"]


def test_no_rows_are_no_bytes() -> None:
    packed = pack(np.zeros((0, 5), np.float32))
    assert packed.shape == (0, 3)
    assert unpack(packed, 5).shape == (0, 5)


def test_any_layout_is_taken_and_z_left_alone() -> None:
    z = np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 6)
    z.flags.writeable = False
    expected = [slow_bytes(row[::2]) for row in z[::-1].tolist()]
    assert pack(z[::-1, ::2]).tolist() == expected
    by_column = np.asfortranarray(expected, np.uint8)
    assert unpack(by_column, 3).tolist() == unpack(np.array(expected, np.uint8), 3).tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_row_that_is_not_finite_is_named(bad: float) -> None:
    z = np.zeros((4, 3), np.float32)
    z[2, 1] = bad
    with pytest.raises(ValueError, match="row 2 is not finite"):
        pack(z)


@pytest.mark.parametrize("width", [2, 4])
def test_bytes_of_another_width_are_refused(width: int) -> None:
    with pytest.raises(ValueError, match=f"3 bytes a row: these are {width}"):
        unpack(np.zeros((1, width), np.uint8), 5)
