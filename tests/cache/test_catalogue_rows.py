from pathlib import Path
from struct import pack

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from cache.catalogue_rows import MAX_ROWS, CatalogueRows, Layout
from cache.errors import MessageCorrupt
from tests.cache.catalogue import LAYOUT, make_rows, message

GOLDEN = Path(__file__).parent / "golden" / "catalogue-row-1.bin"


@st.composite
def layouts_and_rows(draw: st.DrawFn) -> tuple[Layout, CatalogueRows]:
    columns, numbers = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    keys = draw(st.lists(st.integers(0, (1 << 64) - 1), max_size=6, unique=True))
    count = len(keys)
    rows = CatalogueRows(
        np.array(keys, np.uint64),
        draw(st_np.arrays(np.uint8, count, elements=st.integers(0, 2))),
        draw(st_np.arrays(np.int64, count, elements=st.integers(0, 1 << 52))),
        draw(st_np.arrays(np.int64, count, elements=st.integers(0, 1 << 52))),
        draw(st_np.arrays(np.uint64, (count, columns))),
        draw(st_np.arrays(np.float32, (count, numbers))),
    )
    return Layout(draw(st.integers(0, (1 << 64) - 1)), columns, numbers), rows


@given(layouts_and_rows())
def test_rows_read_back_from_table_and_message(given_rows: tuple[Layout, CatalogueRows]) -> None:
    layout, rows = given_rows
    fields = layout.encode(rows)
    from_table, foreign = layout.decode_fields(dict(fields))
    from_message = layout.decode_message(message(fields))
    assert (foreign, from_message.foreign, from_message.after) == (0, 0, b"5-7")
    for read in (from_table, from_message.rows):
        for written, column in zip(rows, read, strict=True):
            np.testing.assert_array_equal(column, written, strict=True)


def test_bytes_of_a_row_are_the_documented_ones() -> None:
    [(field, value)] = LAYOUT.encode(make_rows(258, at=1_760_000_000_000, status=1))
    assert field == b"\x02\x01" + b"\0" * 6
    assert value == GOLDEN.read_bytes()
    assert len(value) == 32 + 2 * 8 + 4


@given(st.binary(max_size=200))
def test_rubbish_in_the_table_is_left_out_and_counted(data: bytes) -> None:
    fields = dict(LAYOUT.encode(make_rows(1, 2)))
    rows, foreign = LAYOUT.decode_fields({b"eight by": data, b"odd": data, **fields})
    assert rows.keys.tolist() == [1, 2]
    assert foreign == 2


@pytest.mark.parametrize(
    "other",
    [
        Layout(fingerprint=1, columns=2, numbers=1),
        Layout(fingerprint=(1 << 64) - 77, columns=1, numbers=3),
        Layout(fingerprint=(1 << 64) - 77, columns=3, numbers=1),
    ],
)
def test_rows_of_another_log_schema_are_left_out(other: Layout) -> None:
    fields = LAYOUT.encode(make_rows(1, 2, 3))
    assert other.decode_fields(dict(fields))[1] == 3
    read = other.decode_message(message(fields))
    assert (len(read.rows.keys), read.foreign) == (0, 3)


def test_unknown_status_is_left_out() -> None:
    assert LAYOUT.decode_fields(dict(LAYOUT.encode(make_rows(1, status=3))))[1] == 1


@given(st.binary(max_size=60))
def test_rubbish_is_no_message(data: bytes) -> None:
    for rubbish in (data, b"UM\x02" + data, b"UM\x01\0" + pack("<I", MAX_ROWS + 1) + data * 9):
        with pytest.raises(MessageCorrupt):
            LAYOUT.decode_message(rubbish)


def test_last_row_of_each_item_is_the_one_that_came_last() -> None:
    parts = [make_rows(9, 4, at=1), make_rows(4, at=2), make_rows(7, 4, at=1)]
    last = LAYOUT.joined(parts).last_of_each()
    assert last.keys.tolist() == [4, 7, 9]
    assert last.status_at.tolist() == [1, 1, 1]


def test_layout_has_its_bounds() -> None:
    with pytest.raises(ValueError, match="1024"):
        Layout(1, 1025, 0)
