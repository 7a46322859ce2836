from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from models.features.catalogue import Catalogue, CatalogueError
from models.features.encoding import Encoding
from models.features.hashing import keys64
from models.features.item_table import ItemTable
from models.schema import Column, FeatureSchema, LogSchema

SCHEMA = LogSchema(
    tasks=("click",),
    item=(
        Column(name="item_id", kind="categorical", buckets=64),
        Column(name="price", kind="number"),
    ),
)


def catalogue_of(ids: list[str]) -> Catalogue:
    keys = keys64(ids)
    numbers = np.arange(len(ids), dtype=np.float32)[:, None]
    return Catalogue.of(SCHEMA, keys, keys[:, None], numbers)


@given(st.lists(st.text(max_size=5), unique=True, max_size=30))
def test_every_item_is_found_with_its_own_columns(ids: list[str]) -> None:
    catalogue = catalogue_of(ids)
    rows = catalogue.rows(keys64(ids))
    assert catalogue.columns[rows, 0].tolist() == keys64(ids).tolist()
    assert catalogue.numbers[rows, 0].tolist() == list(range(len(ids)))
    assert (np.diff(catalogue.keys.astype(object)) > 0).all()


@pytest.mark.parametrize("ids", [[], ["a"], ["a", "b", "c"]])
def test_an_unknown_item_reads_the_row_of_missing_values(ids: list[str]) -> None:
    catalogue = catalogue_of(ids)
    rows = catalogue.rows(np.array([[0, 1], [1 << 63, (1 << 64) - 1]], np.uint64))
    assert rows.tolist() == [[len(ids)] * 2] * 2
    assert catalogue.columns[rows].any() == 0
    assert np.isnan(catalogue.numbers[rows]).all()


def test_two_items_of_one_key_are_refused() -> None:
    with pytest.raises(CatalogueError, match="unique"):
        catalogue_of(["a", "b", "a"])


def test_a_catalogue_reads_back_with_its_counters(tmp_path: Path) -> None:
    counted = catalogue_of(["a", "b"])
    counted.counters[1] = 3.5
    counted.counters_at[1] = 77
    counted.save(tmp_path / "catalogue.safetensors")
    read = Catalogue.load(tmp_path / "catalogue.safetensors", SCHEMA)
    for name in ("keys", "columns", "numbers", "counters", "counters_at"):
        assert getattr(read, name).tobytes() == getattr(counted, name).tobytes()
    assert read.schema == SCHEMA


def test_counters_of_a_loaded_catalogue_may_be_written(tmp_path: Path) -> None:
    catalogue_of(["a"]).save(tmp_path / "catalogue.safetensors")
    read = Catalogue.load(tmp_path / "catalogue.safetensors")
    read.counters[0] = 9.0
    assert read.counters[0].tolist() == [9.0, 9.0]


def test_columns_of_a_loaded_catalogue_may_not_be_written(tmp_path: Path) -> None:
    catalogue_of(["a"]).save(tmp_path / "catalogue.safetensors")
    read = Catalogue.load(tmp_path / "catalogue.safetensors")
    for name in ("keys", "columns", "numbers", "status", "status_at", "columns_at"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(read, name)[0] = 1


def test_file_holds_the_columns_as_its_schema_encodes_them(tmp_path: Path) -> None:
    saved = catalogue_of(["a", "b", "c"])
    saved.save(tmp_path / "catalogue.safetensors")
    expected = Encoding.of(SCHEMA.item).encoded(saved.columns, saved.numbers)
    read = Catalogue.load(tmp_path / "catalogue.safetensors", SCHEMA)
    assert read.encoded is not None
    for encoded, array in zip(read.encoded, expected, strict=True):
        np.testing.assert_array_equal(encoded, array)


def test_bundle_that_encodes_otherwise_reads_the_columns_themselves(tmp_path: Path) -> None:
    saved = catalogue_of(["a", "b", "c"])
    saved.save(tmp_path / "catalogue.safetensors")
    other = SCHEMA.model_copy(
        update={"item": (SCHEMA.item[0].model_copy(update={"buckets": 7}), SCHEMA.item[1])}
    )
    read = Catalogue.load(tmp_path / "catalogue.safetensors", other)
    assert read.encoded is None
    features = FeatureSchema(log=other, history_length=2, prior_rates=(0.1,))
    rows = ItemTable.of(features, read).categorical(np.arange(3))
    assert rows.tolist() == Encoding.of(other.item).buckets(saved.columns[:3]).tolist()


def test_catalogue_without_a_word_on_status_reads_as_active(tmp_path: Path) -> None:
    """As files were before status and encoded columns were in them."""
    saved, path = catalogue_of(["a", "b"]), tmp_path / "catalogue.safetensors"
    names = ("keys", "columns", "numbers", "counters", "counters_at")
    arrays = {name: getattr(saved, name) for name in names}
    save_file(arrays, path, {"schema": SCHEMA.model_dump_json()})
    read = Catalogue.load(path, SCHEMA)
    assert read.encoded is None
    assert not read.status.any()
    assert read.rows(keys64(["b", "x"])).tolist() == [saved.rows(keys64(["b"]))[0], 2]


def test_array_of_another_shape_is_named(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.safetensors"
    wrong = catalogue_of(["a", "b"])
    replace(wrong, status=wrong.status[:-1]).save(path)
    with pytest.raises(CatalogueError, match=r"status has the shape \(2,\), not \(3,\)"):
        Catalogue.load(path)


def test_another_schemas_catalogue_is_refused(tmp_path: Path) -> None:
    catalogue_of(["a"]).save(tmp_path / "catalogue.safetensors")
    other = SCHEMA.model_copy(update={"tasks": ("click", "conversion")})
    with pytest.raises(CatalogueError, match="another log schema"):
        Catalogue.load(tmp_path / "catalogue.safetensors", other)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\xff" * 64])
def test_an_unreadable_catalogue_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "catalogue.safetensors").write_bytes(content)
    with pytest.raises(CatalogueError, match="unreadable"):
        Catalogue.load(tmp_path / "catalogue.safetensors")


def test_a_truncated_catalogue_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.safetensors"
    catalogue_of(["a", "b"]).save(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CatalogueError, match="unreadable"):
        Catalogue.load(path)


def test_counters_can_be_exchanged_without_a_copy_of_the_columns() -> None:
    catalogue = catalogue_of(["a", "b"])
    counted = replace(catalogue, counters=catalogue.counters + 1.0)
    assert counted.columns is catalogue.columns
    assert not catalogue.counters.any()
