"""The item's mean against a double loop, and against a deleted future."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.replay.cache import CacheRules
from models.replay.items import ItemRules, item_lent
from models.replay.lending import Asked, Entries, Lent, nothing_lent
from tests.models.replay.random_entries import (
    asked_of,
    assert_lent_alike,
    assert_types_of_lent,
    before,
    entries_of,
    random_asked,
    random_entries,
)

SHORT = ItemRules(hard_ttl_s=60.0, least_entries=3)


def slow(entries: Entries, asked: Asked, rules: ItemRules) -> Lent:
    lent = nothing_lent(asked, entries)
    for row, (item, now_ms) in enumerate(zip(asked.item, asked.now_ms, strict=True)):
        used = [
            entry
            for entry in range(len(entries.item))
            if entries.item[entry] == item
            and entries.at_ms[entry] < now_ms
            and now_ms - entries.at_ms[entry] <= rules.hard_ttl_s * 1000.0
        ]
        if len(used) < rules.least_entries:
            continue
        lent.found[row] = True
        lent.z[row] = entries.z[used].mean(axis=0, dtype=np.float64)
        lent.logit[row] = entries.logit[used].mean(axis=0, dtype=np.float64)
        lent.age_s[row] = (now_ms - entries.at_ms[used].max()) / 1000.0
    return lent


@pytest.mark.parametrize("rules", [ItemRules(), SHORT])
def test_every_asker_gets_what_a_double_loop_says(rules: ItemRules) -> None:
    rng = np.random.default_rng(3)
    entries, asked = random_entries(rng, 300), random_asked(rng, 200)
    lent = item_lent(entries, asked, rules)
    assert_lent_alike(lent, slow(entries, asked, rules), 1e-5)
    assert_types_of_lent(lent)
    assert 0 < lent.found.sum() < len(lent.found)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), minute=st.integers(0, 10))
def test_not_a_bit_changes_when_the_future_is_deleted(seed: int, minute: int) -> None:
    rng = np.random.default_rng(seed)
    entries, asked = random_entries(rng, 60), random_asked(rng, 40)
    past, asked_by_then, rows = before(entries, asked, minute * 60_000)
    whole = item_lent(entries, asked, SHORT)
    for part, column in zip(item_lent(past, asked_by_then, SHORT), whole, strict=True):
        np.testing.assert_array_equal(part, column[rows])


def test_an_entry_counts_from_the_next_millisecond_to_the_end_of_its_ttl() -> None:
    entries = entries_of((1, 0, 1000, [2.0]))
    asked = asked_of((2, 0, 1000), (2, 0, 1001), (2, 0, 61_000), (2, 0, 61_001))
    lent = item_lent(entries, asked, ItemRules(hard_ttl_s=60.0))
    assert lent.found.tolist() == [False, True, True, False]
    np.testing.assert_array_equal(lent.age_s, np.array([0.0, 0.001, 60.0, 0.0], np.float32))


def test_own_entries_and_other_contexts_count() -> None:
    entries = entries_of((1, 0, 10, [2.0]), (2, 1, 20, [4.0]), (2, 2, 30, [100.0]))
    lent = item_lent(entries, asked_of((1, 0, 1020)), ItemRules())
    assert lent.z.tolist() == [[3.0]]
    assert lent.logit.tolist() == [[0.5]]
    assert lent.age_s.tolist() == [1.0]


def test_too_few_entries_say_nothing() -> None:
    entries = entries_of((1, 0, 10, [2.0]), (2, 0, 20, [4.0]))
    asked = asked_of((3, 0, 20), (3, 0, 21))
    lent = item_lent(entries, asked, ItemRules(least_entries=2))
    assert lent.found.tolist() == [False, True]
    assert lent.z.tolist() == [[0.0], [3.0]]


def test_nothing_said_and_nobody_asking_are_borne() -> None:
    rng = np.random.default_rng(0)
    nobody, silence = random_asked(rng, 0), random_entries(rng, 0)
    assert item_lent(random_entries(rng, 5), nobody, ItemRules()).z.shape == (0, 5)
    lent = item_lent(silence, random_asked(rng, 4), ItemRules())
    assert lent.z.shape == (4, 5)
    assert not lent.found.any()


def test_the_hard_ttl_is_that_of_the_pages() -> None:
    assert ItemRules().hard_ttl_s == CacheRules().hard_ttl_s
