"""A delta at its limit, and counters that follow their items in and out of it."""

from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features.records import F64, I64, U64
from tests.models.features.test_live_catalogue import encoded, keys_of, live, reads, rows_of
from tests.models.features.told import Word, words


def test_past_the_limit_the_oldest_leaves_and_is_counted() -> None:
    catalogue = live(items=2, limit=3)
    catalogue.apply(words(Word(0, "active", 10, "west", 9.0), Word(7, "active", 11, "west", 1.0)))
    catalogue.apply(words(Word(8, "active", 12, "west", 2.0), Word(9, "active", 13, "west", 3.0)))
    view = catalogue.view
    assert len(view.delta) == 3
    assert catalogue.left == 1
    assert reads(view, 0) == encoded("nord", 0.0)  # the file's word again
    assert (rows_of(view, 7, 8, 9) > view.unknown).all()
    assert len(view) == 5


def test_withdrawn_items_stay_longest() -> None:
    catalogue = live(items=0, limit=2)
    catalogue.apply(words(Word(1, "paused", 1)))
    for at in range(2, 6):
        catalogue.apply(words(Word(at, "active", at, "west")))
    assert catalogue.view.withdrawn(rows_of(catalogue.view, 1)).all()
    assert rows_of(catalogue.view, 5)[0] != catalogue.view.unknown
    assert rows_of(catalogue.view, 4)[0] == catalogue.view.unknown


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(1, 9)), max_size=25))
def test_counters_follow_their_item_in_and_out_of_the_delta(
    steps: list[tuple[int, bool, int]],
) -> None:
    """A step counts an item, or changes it, which may push another one out."""
    catalogue = live(items=5, limit=3)
    expected = dict.fromkeys(range(5), 0)
    for at, (item, is_count, count) in enumerate(steps, start=1):
        if is_count:
            known = rows_of(catalogue.view, item)[0] != catalogue.view.unknown
            catalogue.count(counts(item, count, at))
            if known:
                expected[item] = count
        else:
            catalogue.apply(words(Word(item, "active", at, "west", float(at))))
            expected.setdefault(item, 0)
        gone = [i for i in expected if rows_of(catalogue.view, i)[0] == catalogue.view.unknown]
        for forgotten in gone:
            del expected[forgotten]
    for item, count in expected.items():
        counted = catalogue.view.counted(rows_of(catalogue.view, item))
        assert counted.counters[0].tolist() == [count, count / 2]


class Counts(NamedTuple):
    """Satisfies ItemCounts."""

    keys: U64
    counters: F64
    counters_at: I64


def counts(item: int, count: int, at: int) -> Counts:
    return Counts(keys_of([item]), np.array([[count, count / 2]]), np.array([at], np.int64))


def test_unknown_and_older_counts_are_left_out() -> None:
    catalogue = live()
    assert catalogue.count(counts(1, 4, at=50)) == 1
    assert catalogue.count(counts(1, 2, at=40)) == 0
    assert catalogue.count(counts(1, 4, at=50)) == 0
    assert catalogue.count(counts(99, 4, at=50)) == 0
    assert not catalogue.view.base.counters[-1].any()
