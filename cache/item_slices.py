"""What a teacher has said of items, summed by slices of the hard TTL: the values of a space's table
of items. Format: docs/cache.md."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from cache.arrays import F32, F64, I64

SLICES: Final = 6
"""Of the hard TTL: an entry leaves the mean with its slice, a sixth of the TTL early at most."""
MAX_SLICES: Final = 64
"""Read of one item; a value with more is damaged."""


def slice_dtype(dim: int) -> np.dtype[Any]:
    return np.dtype(
        [("from_ms", "<i8"), ("newest_ms", "<i8"), ("count", "<u4"), ("sum", "<f4", (dim,))]
    )


def slice_ms(hard_ttl_s: float) -> int:
    return max(int(hard_ttl_s * 1000) // SLICES, 1)


def window_ms(hard_ttl_s: float) -> int:
    """The hard TTL in whole slices, so that a slice leaves just when another begins."""
    return SLICES * slice_ms(hard_ttl_s)


class Slices(NamedTuple):
    """Of items by position, and of each by time; `rows` are of slice_dtype."""

    item: I64  # [R] ascending
    rows: NDArray[Any]  # [R]

    @classmethod
    def of(cls, item: I64, at_ms: I64, z: F32, width_ms: int) -> Self:
        """Of entries in any order."""
        rows = np.zeros(len(item), slice_dtype(z.shape[1]))
        rows["from_ms"], rows["newest_ms"] = at_ms // width_ms * width_ms, at_ms
        rows["count"], rows["sum"] = 1, z
        return cls(item, rows)._summed()

    @classmethod
    def unpacked(cls, values: Sequence[bytes | None], dim: int) -> Self:
        """One item a value. A damaged value, or one of another width, counts as none."""
        dtype = slice_dtype(dim)
        whole = [value if _is_whole(value, dtype.itemsize) else b"" for value in values]
        counts = [len(value or b"") // dtype.itemsize for value in whole]
        rows = np.frombuffer(b"".join(value or b"" for value in whole), dtype)
        return cls(np.arange(len(values)).repeat(counts), rows)

    def packed(self, items: int) -> list[bytes]:
        ends = np.searchsorted(self.item, np.arange(items + 1)).tolist()
        return [self.rows[first:end].tobytes() for first, end in pairwise(ends)]

    def merged(self, other: Self) -> Self:
        item = np.concatenate([self.item, other.item])
        return type(self)(item, np.concatenate([self.rows, other.rows]))._summed()

    def after(self, since_ms: int) -> Self:
        """Slices that began after that time, and so did all of their entries."""
        is_alive = self.rows["from_ms"] > since_ms
        return type(self)(self.item[is_alive], self.rows[is_alive])

    def only(self, items: I64) -> Self:
        """Of these items, ascending, whose positions are then those in `items`."""
        at = np.searchsorted(items, self.item)
        is_one = items.take(at, mode="clip") == self.item if len(items) else at < 0
        return type(self)(at[is_one], self.rows[is_one])

    def _summed(self) -> Self:
        """One row an item and slice."""
        order = np.lexsort((self.rows["from_ms"], self.item))
        item, rows = self.item[order], self.rows[order]
        is_first = np.ones(len(item), np.bool_)
        is_first[1:] = (item[1:] != item[:-1]) | (rows["from_ms"][1:] != rows["from_ms"][:-1])
        starts = np.flatnonzero(is_first)
        summed = rows[starts].copy()
        if len(starts):
            summed["newest_ms"] = np.maximum.reduceat(rows["newest_ms"], starts)
            summed["count"] = np.add.reduceat(rows["count"], starts)
            summed["sum"] = np.add.reduceat(rows["sum"], starts, axis=0, dtype=np.float64)
        return type(self)(item[starts], summed)


class Means(NamedTuple):
    items: I64  # [n] positions of those with anything, ascending
    newest_ms: I64  # [n]
    z: F64  # [n, d]


def means_of(slices: Slices) -> Means:
    items, starts = np.unique(slices.item, return_index=True)
    rows = slices.rows
    if not len(items):
        return Means(items, np.zeros(0, np.int64), np.zeros(rows["sum"].shape))
    total = np.add.reduceat(rows["sum"], starts, axis=0, dtype=np.float64)
    count = np.add.reduceat(rows["count"], starts, dtype=np.int64)
    newest_ms: I64 = np.maximum.reduceat(rows["newest_ms"], starts)
    return Means(items, newest_ms, total / count[:, None])


def _is_whole(value: bytes | None, size: int) -> bool:
    return value is not None and len(value) % size == 0 and len(value) <= MAX_SLICES * size
