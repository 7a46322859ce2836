"""The catalogue as it changes, against a dictionary that is told the same."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features.catalogue import Catalogue
from models.features.catalogue_view import View
from models.features.encoding import Encoding
from models.features.hashing import key64
from models.features.live_catalogue import LiveCatalogue
from models.features.records import I64, U64
from tests.models.features.told import LOG, SCHEMA, Known, Store, Word, key_of, words

BRANDS = ("nord", "west", "ost")


def file_of(items: int) -> Catalogue:
    keys = np.array([key_of(item) for item in range(items)], np.uint64)
    brands = np.full((items, 1), key64("nord"), np.uint64)
    prices = np.arange(items, dtype=np.float32)[:, None]
    return Catalogue.of(LOG, keys, brands, prices)


def live(items: int = 5, limit: int = 100) -> LiveCatalogue:
    return LiveCatalogue(SCHEMA, file_of(items), limit)


def keys_of(items: Sequence[int]) -> U64:
    return np.array([key_of(item) for item in items], np.uint64)


def rows_of(view: View, *items: int) -> I64:
    return view.rows(keys_of(items))


def reads_all(view: View, items: Sequence[int]) -> list[tuple[int, float]]:
    """Encoded brand and price."""
    rows = rows_of(view, *items)
    brands, prices = view.table.categorical(rows)[:, 0], view.table.numbers(rows)[:, 0]
    return list(zip(brands.tolist(), prices.tolist(), strict=True))


def reads(view: View, item: int) -> tuple[int, float]:
    return reads_all(view, [item])[0]


@cache
def encoded(brand: str, price: float) -> tuple[int, float]:
    columns = Encoding.of(LOG.item).encoded(
        np.array([[key64(brand)]], np.uint64), np.array([[price]], np.float32)
    )
    return int(columns.categorical[0, 0]), float(columns.numbers[0, 0])


TOLD = st.builds(
    Word,
    item=st.integers(0, 9),
    status=st.sampled_from(("active", "paused", "removed")),
    at=st.integers(1, 6),
    brand=st.sampled_from((None, *BRANDS)),
    price=st.sampled_from((1.0, 5.0)),
)


BATCHES = st.lists(st.lists(TOLD, max_size=6, unique_by=lambda word: word.item), max_size=8)


def check_holds(view: View, store: Store) -> None:
    """What the store holds, and of items that it was not told of what the file does."""
    expected = {item: Known(brand="nord", price=float(item)) for item in range(5)}
    for item, known in store.items.items():
        expected[item] = known if known.brand else replace(known, brand="nord", price=float(item))
    items = sorted(expected)
    rows = rows_of(view, *items)
    assert len(view) == len(items)
    assert (rows != view.unknown).all()
    assert (rows_of(view, *(set(range(10)) - set(items))) == view.unknown).all()
    statuses = [expected[item].status != "active" for item in items]
    assert view.withdrawn(rows).tolist() == statuses
    assert view.has_withdrawn == any(statuses)
    told = [item for item in items if item < 5 or expected[item].columns_at]
    columns = [(str(expected[item].brand), expected[item].price) for item in told]
    assert reads_all(view, told) == [encoded(*each) for each in columns]


@settings(deadline=None, max_examples=50)
@given(BATCHES)
def test_catalogue_holds_what_the_store_holds(batches: list[list[Word]]) -> None:
    catalogue, store = live(items=5), Store()
    for batch in batches:
        catalogue.apply(store.hear(batch))
        check_holds(catalogue.view, store)


@settings(deadline=None, max_examples=50)
@given(BATCHES)
def test_table_that_was_read_before_its_changes_ends_the_same(batches: list[list[Word]]) -> None:
    catalogue, store = live(items=5), Store()
    changes = [store.hear(batch) for batch in batches]
    for part in (store.table(), *changes):
        catalogue.apply(part)
    check_holds(catalogue.view, store)


def test_saying_the_same_again_changes_nothing() -> None:
    catalogue = live()
    told = words(Word(1, "paused", 5), Word(7, "active", 5, "west", 3.0))
    assert catalogue.apply(told) == 2
    view = catalogue.view
    assert catalogue.apply(told) == 0
    assert catalogue.apply(words(Word(7, "active", 9, "west", 3.0))) == 0
    assert catalogue.view is view


def test_pause_keeps_the_columns_and_a_resumed_item_reads_them_again() -> None:
    catalogue = live()
    catalogue.apply(words(Word(7, "active", 5, "west", 3.0)))
    catalogue.apply(words(Word(7, "paused", 6), Word(2, "paused", 6)))
    assert catalogue.view.withdrawn(rows_of(catalogue.view, 7, 2, 1)).tolist() == [
        True,
        True,
        False,
    ]
    catalogue.apply(words(Word(7, "active", 7), Word(2, "active", 7)))
    assert reads(catalogue.view, 7) == encoded("west", 3.0)
    assert reads(catalogue.view, 2) == encoded("nord", 2.0)
    assert not catalogue.view.has_withdrawn


def test_view_that_is_held_never_changes() -> None:
    catalogue = live()
    catalogue.apply(words(Word(7, "active", 5, "west", 3.0)))
    before = catalogue.view
    rows = rows_of(before, 0, 7)
    for at in range(6, 40):
        catalogue.apply(
            words(Word(7, "paused", at, "ost", float(at)), Word(at, "active", at, "ost"))
        )
    assert rows_of(before, 0, 7).tolist() == rows.tolist()
    assert reads(before, 7) == encoded("west", 3.0)
    assert not before.has_withdrawn


def test_batch_is_seen_whole_or_not_at_all() -> None:
    """A reader in another thread, while batches of eight brands of one kind are published."""
    catalogue = live(items=0)
    items = range(8)
    catalogue.apply(words(*(Word(item, "active", 1, "brand-1") for item in items)))
    mixed: list[set[int]] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            view = catalogue.view
            seen = set(view.table.categorical(view.rows(keys_of(items)))[:, 0].tolist())
            if len(seen) > 1:
                mixed.append(seen)

    reader = threading.Thread(target=read)
    reader.start()
    for at in range(2, 300):
        catalogue.apply(words(*(Word(item, "active", at, f"brand-{at % 50}") for item in items)))
    stop.set()
    reader.join()
    assert mixed == []


def test_empty_catalogue_takes_items() -> None:
    catalogue = live(items=0)
    assert rows_of(catalogue.view, 3).tolist() == [0]
    catalogue.apply(words(Word(3, "active", 1, "west", 2.0)))
    assert reads(catalogue.view, 3) == encoded("west", 2.0)
    assert rows_of(catalogue.view, 4).tolist() == [0]
