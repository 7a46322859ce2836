import math

import numpy as np
import pytest

from models.features.hashing import key64
from models.schema import Column
from server.errors import InvalidRequest
from server.item_batch import ItemReader
from server.wire import ItemEntry, Values

COLUMNS = (
    Column(name="item_id", kind="categorical"),
    Column(name="brand", kind="categorical"),
    Column(name="price", kind="number"),
)
NOW_MS = 1000


def reader(latest_ms: int | None = None, columns: tuple[Column, ...] = COLUMNS) -> ItemReader:
    return ItemReader(columns, NOW_MS, latest_ms)


def test_columns_stand_where_the_schema_has_them() -> None:
    read = reader()
    entries = [
        ItemEntry(item_id="a", status="paused", features={"price": 3, "brand": "nord"}),
        ItemEntry(item_id="b", status="removed", timestamp_ms=70),
    ]
    rows = read.rows([read.read(entry, "items") for entry in entries])
    assert rows.keys.tolist() == [key64("a"), key64("b")]
    assert rows.status.tolist() == [1, 2]
    assert rows.status_at.tolist() == [NOW_MS, 70]
    assert rows.columns_at.tolist() == [NOW_MS, 0]
    assert rows.columns.tolist() == [[key64("a"), key64("nord")], [0, 0]]
    np.testing.assert_array_equal(rows.numbers, [[3.0], [math.nan]])


def test_column_left_out_is_missing_and_no_features_tell_nothing() -> None:
    read = reader()
    brand = read.read(ItemEntry(item_id="a", status="active", features={"brand": None}), "x")
    assert (brand.columns_at_ms, brand.columns) == (NOW_MS, [key64("a"), 0])
    empty: Values = {}
    for nothing in (None, empty):
        told = read.read(ItemEntry(item_id="a", status="active", features=nothing), "x")
        assert told.columns_at_ms == 0


def test_another_items_id_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        reader().read(ItemEntry(item_id="a", status="active", features={"item_id": "b"}), "x")
    assert (caught.value.field, caught.value.value) == ("x.features.item_id", "b")


def test_schema_without_an_id_column_takes_it_for_any_unknown_name() -> None:
    read = reader(columns=COLUMNS[1:])
    read.read(ItemEntry(item_id="a", status="active", features={"item_id": "b", "x": 1}), "x")
    assert read.unknown == {"item_id", "x"}


def test_changes_of_the_future_are_refused_unless_any_time_goes() -> None:
    entry = ItemEntry(item_id="a", status="active", timestamp_ms=2000)
    assert reader(None).read(entry, "x").at_ms == 2000
    with pytest.raises(InvalidRequest, match="future"):
        reader(1999).read(entry, "x")
    assert reader(2000).read(entry, "x").at_ms == 2000


def test_schema_without_item_columns_still_takes_status() -> None:
    read = reader(columns=())
    rows = read.rows([read.read(ItemEntry(item_id="a", status="paused"), "x")])
    assert (rows.columns.shape, rows.numbers.shape) == ((1, 0), (1, 0))
