"""A file with its changes folded in, against a live catalogue that was told them."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features.catalogue import Catalogue
from models.features.folded import folded, holds
from models.features.live_catalogue import LiveCatalogue
from tests.models.features.test_live_catalogue import BATCHES, file_of, keys_of, reads, reads_all
from tests.models.features.told import LOG, SCHEMA, Store, Word, key_of, words


@settings(deadline=None, max_examples=50)
@given(BATCHES)
def test_folded_file_reads_as_the_live_catalogue_did(batches: list[list[Word]]) -> None:
    live, store = LiveCatalogue(SCHEMA, file_of(5)), Store()
    for batch in batches:
        live.apply(store.hear(batch))
    made = LiveCatalogue(SCHEMA, folded(file_of(5), store.table(), 0))
    assert len(made.view) == len(live.view)
    keys = keys_of(range(10))
    assert reads_all(made.view, range(10)) == reads_all(live.view, range(10))
    rows = made.view.rows(keys), live.view.rows(keys)
    assert made.view.withdrawn(rows[0]).tolist() == live.view.withdrawn(rows[1]).tolist()
    assert (rows[0] == made.view.unknown).tolist() == (rows[1] == live.view.unknown).tolist()


@settings(deadline=None, max_examples=50)
@given(BATCHES)
def test_worker_that_starts_with_it_needs_no_delta(batches: list[list[Word]]) -> None:
    store = Store()
    for batch in batches:
        store.hear(batch)
    made = folded(file_of(5), store.table(), 0)
    live = LiveCatalogue(SCHEMA, made)
    assert live.apply(store.table()) == 0
    assert holds(made, store.table(), 0).all()
    again = folded(made, store.table(), 0)
    for name in ("keys", "columns", "numbers", "status", "status_at", "columns_at"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))


def test_counters_stay_with_their_items() -> None:
    base = file_of(5)
    base.counters[:5] = np.arange(10).reshape(5, 2)
    base.counters_at[:5] = np.arange(5) + 70
    made = folded(base, words(Word(7, "active", 3, "west"), Word(9, "paused", 3)), 0)
    for item in range(5):
        before, after = base.rows(keys_of([item])), made.rows(keys_of([item]))
        np.testing.assert_array_equal(made.counters[after], base.counters[before])
        assert made.counters_at[after] == base.counters_at[before]
    assert not made.counters[made.rows(keys_of([7, 9]))].any()
    assert not made.counters[-1].any()


def test_removed_item_is_known_as_such_until_it_is_forgotten() -> None:
    removed = words(Word(1, "removed", 50), Word(8, "removed", 50))
    early = folded(file_of(5), removed, forget_before_ms=50)
    assert (early.status[early.rows(keys_of([1, 8]))] == 2).all()
    late = folded(early, words(), forget_before_ms=51)
    assert sorted(late.keys.tolist()) == sorted(key_of(item) for item in (0, 2, 3, 4))


def test_only_what_a_file_has_or_has_forgotten_counts_as_held() -> None:
    told = words(Word(1, "paused", 50), Word(2, "removed", 10), Word(8, "removed", 10))
    assert dict(zip(told.keys.tolist(), holds(file_of(5), told, 20).tolist(), strict=True)) == {
        key_of(1): False,
        key_of(2): False,  # the file has it as active
        key_of(8): True,
    }


def test_folded_file_saves_and_loads(tmp_path: Path) -> None:
    made = folded(file_of(3), words(Word(7, "active", 3, "west", 2.5), Word(1, "paused", 4)), 0)
    made.save(tmp_path / "catalogue.safetensors")
    read = Catalogue.load(tmp_path / "catalogue.safetensors", LOG)
    assert len(read) == 4
    view = LiveCatalogue(SCHEMA, read).view
    assert reads(view, 7) == reads(LiveCatalogue(SCHEMA, made).view, 7)
    assert view.withdrawn(view.rows(keys_of([7, 1]))).tolist() == [False, True]


@given(st.integers(0, 3))
def test_nothing_told_is_the_same_catalogue(items: int) -> None:
    made = folded(file_of(items), words(), 0)
    np.testing.assert_array_equal(made.columns, file_of(items).columns)
    np.testing.assert_array_equal(made.numbers, file_of(items).numbers)
