"""Pair entries in columns, quantised once: merging never quantises an entry again."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from cache.arrays import F32, I64, U64
from cache.quantise import Precision, quantise, restored


class Entries(NamedTuple):
    pair_keys: U64  # [M] ascending, unique
    computed_at_ms: I64  # [M]
    logit: F32  # [M, T]
    scale: F32  # [M]
    codes: NDArray[Any]  # [M, d] float16 or int8

    @classmethod
    def of(
        cls, pair_keys: U64, computed_at_ms: I64, logit: F32, z: F32, precision: Precision
    ) -> Self:
        """In any order; of rows with one key, the newest stays, and of equals the last."""
        quantised = quantise(z, precision)
        made = cls(pair_keys, computed_at_ms, logit, quantised.scale, quantised.codes)
        return made.newest_of_each_pair()

    def taken(self, rows: NDArray[Any] | slice) -> Self:
        columns: Any = (column[rows] for column in self)
        return type(self)(*columns)

    def followed_by(self, other: Self) -> Self:
        pairs: Any = zip(self, other, strict=True)
        return type(self)(*map(np.concatenate, pairs))

    def newest_of_each_pair(self) -> Self:
        order = np.lexsort((self.computed_at_ms, self.pair_keys))
        keys = self.pair_keys[order]
        is_last = np.ones(len(keys), np.bool_)
        is_last[:-1] = keys[1:] != keys[:-1]
        return self.taken(order[is_last])

    def z(self) -> F32:
        return restored(self.codes, self.scale)  # [M, d]


class Aggregate(NamedTuple):
    """Mean z over a user's live entries; `pairs` 0 where there is none."""

    z: F32  # [d]
    pairs: int
    computed_at_ms: int


def aggregate_of(entries: Entries) -> Aggregate:
    """As old as its newest entry."""
    count = len(entries.pair_keys)
    if not count:
        return Aggregate(np.zeros(entries.codes.shape[1], np.float32), 0, 0)
    mean = entries.z().mean(axis=0, dtype=np.float64).astype(np.float32)
    return Aggregate(mean, count, int(entries.computed_at_ms.max()))


def merged(old: Entries, new: Entries, *, alive_since_ms: int, limit: int) -> Entries:
    """Old and new by pair, newest each, without what was computed before `alive_since_ms`.

    At most `limit` stay: the newest, and among equally old ones those with the highest logit of
    the first task.
    """
    kept = old.followed_by(new).newest_of_each_pair()
    kept = kept.taken(kept.computed_at_ms >= alive_since_ms)
    if len(kept.pair_keys) <= limit:
        return kept
    by_value = np.lexsort((kept.logit[:, 0], kept.computed_at_ms))
    return kept.taken(np.sort(by_value[-limit:]))
