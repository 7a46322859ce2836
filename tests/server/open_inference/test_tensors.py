import struct
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import InvalidRequest
from server.open_inference.tensors import BOOL, BYTES, DTYPES, column, from_raw, from_values, to_raw

INTS = {
    name: st.integers(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for name, dtype in DTYPES.items()
    if "INT" in name
}
WIDTHS: dict[str, Literal[16, 32, 64]] = {"FP16": 16, "FP32": 32, "FP64": 64}
FLOATS = {
    name: st.floats(allow_nan=False, allow_infinity=False, width=width)
    for name, width in WIDTHS.items()
}
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    BYTES: st.text(), BOOL: st.booleans(), **INTS, **FLOATS,
}  # fmt: skip


@st.composite
def columns(draw: st.DrawFn) -> tuple[str, list[Any]]:
    datatype = draw(st.sampled_from(sorted(ELEMENTS)))
    return datatype, draw(st.lists(ELEMENTS[datatype], max_size=20))


@given(columns())
def test_raw_bytes_read_back_as_the_values(drawn: tuple[str, list[Any]]) -> None:
    datatype, values = drawn
    tensor = column("x", datatype, values)
    assert from_raw("x", datatype, tensor.shape, to_raw(tensor)) == tensor


@given(columns())
def test_values_pass_as_they_are(drawn: tuple[str, list[Any]]) -> None:
    datatype, values = drawn
    assert from_values("x", datatype, [len(values)], values) == column("x", datatype, values)


@given(columns(), st.data())
def test_data_that_was_cut_or_grew_is_refused(
    drawn: tuple[str, list[Any]], data: st.DataObject
) -> None:
    datatype, values = drawn
    raw = to_raw(column("x", datatype, values))
    cut = raw[: data.draw(st.integers(0, max(len(raw) - 1, 0)))]
    for wrong in ({cut} - {raw}) | {raw + b"\0"}:
        with pytest.raises(InvalidRequest):
            from_raw("x", datatype, [len(values)], wrong)


@given(
    st.sampled_from([BYTES, *DTYPES]),
    st.lists(st.integers(-2, 1 << 62), max_size=8),
    st.binary(max_size=64),
)
def test_shapes_allocate_nothing_beyond_the_data(
    datatype: str, shape: list[int], data: bytes
) -> None:
    """Whatever is announced: refused, or of as many values as the data holds."""
    try:
        tensor = from_raw("x", datatype, shape, data)
    except InvalidRequest:
        return
    assert len(tensor.values) <= len(data)


def test_bytes_have_tritons_layout() -> None:
    assert to_raw(column("x", BYTES, ["a", "é"])) == b"\1\0\0\0a\2\0\0\0\xc3\xa9"


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(datatype: str, value: float) -> None:
    raw = np.array([1.0, value], DTYPES[datatype]).tobytes()
    with pytest.raises(InvalidRequest, match="finite"):
        from_raw("x", datatype, [2], raw)
    with pytest.raises(InvalidRequest, match="finite"):
        from_values("x", datatype, [2], [1.0, value])


@pytest.mark.parametrize("datatype", ["FP64", "INT64"])
def test_integers_beyond_float64_are_refused(datatype: str) -> None:
    with pytest.raises(InvalidRequest, match="finite"):
        from_values("x", datatype, [1], [10**400])


@pytest.mark.parametrize(
    ("datatype", "values"),
    [(BYTES, [1]), ("FP32", ["1"]), ("FP32", [True]), ("INT64", [1.5]), (BOOL, [1])],
)
def test_values_of_another_type_are_refused(datatype: str, values: list[Any]) -> None:
    with pytest.raises(InvalidRequest, match="not " + datatype):
        from_values("x", datatype, [1], values)


def test_ragged_values_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="3 elements"):
        from_values("x", "FP32", [3], [1.0, 2.0])


def test_element_that_claims_more_than_there_is_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="within an element"):
        from_raw("x", BYTES, [1], struct.pack("<I", 1 << 31) + b"abc")


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="UTF-8"):
        from_raw("x", BYTES, [1], b"\1\0\0\0\xff")


@pytest.mark.parametrize(("datatype", "shape"), [("BF16", [1]), ("fp32", [1]), ("FP32", [-1])])
def test_unknown_datatype_and_negative_size_are_refused(datatype: str, shape: list[int]) -> None:
    with pytest.raises(InvalidRequest):
        from_raw("x", datatype, shape, b"\0\0\0\0")
