"""What holds of items: their columns, whether they may be shown, and since when."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features.encoding import I32, Encoding
from models.features.item_changes import ItemChanges
from models.features.records import F32, I64, U8, U64, Mask
from models.features.tailed import take

Columns = tuple[NDArray[Any], ...]


class ItemState(NamedTuple):
    categorical: I32  # [n, F] encoded
    number: F32  # [n, G] encoded
    status: U8  # [n]
    status_at: I64  # [n] ms
    columns_at: I64  # [n] ms
    columns: U64  # [n, F] categorical value keys, of which `categorical` is made

    def at(self, rows: I64, tail: "ItemState") -> "ItemState":
        """Rows of these items, and those past their end of `tail`."""
        return _state(take(own, behind, rows) for own, behind in _pairs(self, tail))

    def told(self, changes: ItemChanges, encoding: Encoding) -> "ItemState":
        """What holds after these changes of the same items: of status and of columns the later
        word, and of two at the same time the one that came last."""
        is_later = changes.status_at >= self.status_at
        has_columns = (changes.columns_at > 0) & (changes.columns_at >= self.columns_at)
        given = encoding.encoded(changes.columns, changes.numbers)
        return ItemState(
            np.where(has_columns[:, None], given.categorical, self.categorical),
            np.where(has_columns[:, None], given.numbers, self.number),
            np.where(is_later, changes.status, self.status),
            np.maximum(changes.status_at, self.status_at),
            np.maximum(changes.columns_at, self.columns_at),
            np.where(has_columns[:, None], changes.columns, self.columns),
        )

    def differs(self, other: "ItemState") -> Mask:
        """`[n]`; the same word at another time is no difference."""
        differs: Mask = self.status != other.status
        differs |= (self.columns != other.columns).any(axis=1)
        differs |= (self.number != other.number).any(axis=1)
        return differs

    def part(self, of: I64 | Mask | slice) -> "ItemState":
        return _state(column[of] for column in self)

    def with_items(self, slots: I64, items: "ItemState") -> "ItemState":
        """A copy that has `items` at these slots, as long as the last of them needs."""
        length = max(len(self.status), int(slots.max(initial=-1)) + 1)
        return _state(_with(old, slots, new, length) for old, new in _pairs(self, items))


def _state(columns: Iterable[NDArray[Any]]) -> ItemState:
    return ItemState(*columns)


def _pairs(first: Columns, second: Columns) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    return zip(first, second, strict=True)


def _with(old: NDArray[Any], slots: I64, new: NDArray[Any], length: int) -> NDArray[Any]:
    grown = np.zeros((length, *old.shape[1:]), old.dtype)
    grown[: len(old)] = old
    grown[slots] = new
    return grown
