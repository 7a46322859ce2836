"""A catalogue with what was told of its items since, as a file holds it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features.catalogue import Catalogue
from models.features.item_changes import ItemChanges
from models.features.item_status import REMOVED
from models.features.records import F32, F64, I64, U8, U64, Mask


class _Rows(NamedTuple):
    """Items in any order, without the row of zeros."""

    keys: U64
    columns: U64
    numbers: F32
    counters: F64
    counters_at: I64
    status: U8
    status_at: I64
    columns_at: I64

    @classmethod
    def of(cls, catalogue: Catalogue) -> "_Rows":
        return _rows([getattr(catalogue, name)[: len(catalogue)] for name in cls._fields])

    def with_unknown(self, keys: U64) -> "_Rows":
        """Ordered by key; nothing is known of the others."""
        columns = [np.concatenate([column, _blank(column, len(keys))]) for column in self]
        columns[0][len(self.keys) :] = keys
        return _rows(columns).part(np.argsort(columns[0]))

    def part(self, of: I64 | Mask) -> "_Rows":
        return _rows([column[of] for column in self])

    def write(self, changes: ItemChanges) -> None:
        """In place, into rows that are there; by the rule of ItemState.told."""
        at = np.searchsorted(self.keys, changes.keys)
        is_later = changes.status_at >= self.status_at[at]
        self.status[at[is_later]] = changes.status[is_later]
        self.status_at[at[is_later]] = changes.status_at[is_later]
        has_columns = (changes.columns_at > 0) & (changes.columns_at >= self.columns_at[at])
        for name in ("columns", "numbers", "columns_at"):
            getattr(self, name)[at[has_columns]] = getattr(changes, name)[has_columns]


def folded(base: Catalogue, changes: ItemChanges, forget_before_ms: int) -> Catalogue:
    """A new catalogue, in memory; what was removed before `forget_before_ms` is not in it. Until
    then it stays, or it would be taken for an item that nobody has told of yet."""
    unknown = changes.keys[base.rows(changes.keys) == len(base)]
    rows = _Rows.of(base).with_unknown(unknown)
    rows.write(changes)
    rows = rows.part((rows.status != REMOVED) | (rows.status_at >= forget_before_ms))
    columns: list[Any] = [np.concatenate([column, _blank(column, 1)]) for column in rows[1:]]
    return Catalogue(base.schema, rows.keys, *columns)


def holds(catalogue: Catalogue, changes: ItemChanges, forget_before_ms: int) -> Mask:
    """`[n]`: which changes make no difference to the catalogue, as it has them or something later,
    or has forgotten them."""
    rows = catalogue.rows(changes.keys)
    is_known = rows < len(catalogue)
    is_held = catalogue.status_at[rows] >= changes.status_at
    is_held &= catalogue.columns_at[rows] >= changes.columns_at
    is_forgotten = (changes.status == REMOVED) & (changes.status_at < forget_before_ms)
    held: Mask = np.where(is_known, is_held, is_forgotten)
    return held


def _rows(columns: list[NDArray[Any]]) -> _Rows:
    return _Rows(*columns)


def _blank(column: NDArray[Any], count: int) -> NDArray[Any]:
    missing = np.nan if column.dtype == np.float32 else 0
    return np.full((count, *column.shape[1:]), missing, column.dtype)
