"""The contexts that pairs are of: a wish is computed under the one of its pair.

A pair key is a bijection of item and context (cache.keys), so pair and item together name the
context, and no table of pairs is needed.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import I64, U64
from cache.keys import context_fold, context_folds

CONTEXTS: Final = 4096


class Placed(NamedTuple):
    """Items of one context."""

    context: U64 | None  # [Fc] None when it was forgotten
    item_keys: U64  # [n]


class Contexts:
    """Of more than `limit` the one not asked in for longest is forgotten."""

    def __init__(self, limit: int = CONTEXTS) -> None:
        self._limit = limit
        self._contexts: OrderedDict[int, U64] = OrderedDict()

    def __len__(self) -> int:
        return len(self._contexts)

    def heard(self, context: U64) -> None:
        fold = context_fold(context.tolist())
        if fold not in self._contexts:
            self._contexts[fold] = context.copy()
        self._contexts.move_to_end(fold)
        if len(self._contexts) > self._limit:
            self._contexts.popitem(last=False)

    def placed(self, pairs: I64, items: I64) -> Iterator[Placed]:
        """Of codes of pairs and items, by context."""
        item_keys = items.view(np.uint64)
        folds, place = np.unique(
            context_folds(pairs.view(np.uint64), item_keys), return_inverse=True
        )
        for number, fold in enumerate(folds.tolist()):
            yield Placed(self._contexts.get(fold), item_keys[place == number])
