import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cache.keys import context_fold, context_folds, pair_keys
from cache.refresh.speculation.contexts import Contexts

keys = st.integers(0, (1 << 64) - 1)


@given(st.lists(keys, min_size=1, max_size=20), st.lists(keys, max_size=4))
def test_pair_and_item_together_name_the_context(items: list[int], context: list[int]) -> None:
    item_keys = np.array(items, np.uint64)
    folds = context_folds(pair_keys(item_keys, context), item_keys)
    assert set(folds.tolist()) == {context_fold(context)}


def test_pairs_are_placed_in_the_contexts_that_they_are_of() -> None:
    contexts = Contexts()
    here, there = np.array([7, 8], np.uint64), np.array([8, 7], np.uint64)
    contexts.heard(here)
    contexts.heard(there)
    items = np.arange(5, dtype=np.uint64)
    pairs = np.concatenate([pair_keys(items[:3], here), pair_keys(items[1:], there)])
    of = np.concatenate([items[:3], items[1:]])
    placed = {
        tuple(context.tolist()): item_keys.tolist()
        for context, item_keys in contexts.placed(pairs.view(np.int64), of.view(np.int64))
        if context is not None
    }
    assert placed == {(7, 8): [0, 1, 2], (8, 7): [1, 2, 3, 4]}


def test_context_not_asked_in_for_longest_is_forgotten() -> None:
    contexts = Contexts(limit=2)
    one, two, three = (np.array([key], np.uint64) for key in (1, 2, 3))
    for context in (one, two, one, three):
        contexts.heard(context)
    assert len(contexts) == 2
    items = np.array([9], np.uint64)
    for context, is_known in ((one, True), (two, False), (three, True)):
        pairs = pair_keys(items, context).view(np.int64)
        [placed] = contexts.placed(pairs, items.view(np.int64))
        assert (placed.context is not None) == is_known
