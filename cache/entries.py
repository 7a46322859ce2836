"""Pair entries in columns, quantised once: merging never quantises an entry again."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from cache.arrays import F32, F64, I64, U64
from cache.quantise import Precision, quantise, restored


class Entries(NamedTuple):
    pair_keys: U64  # [M] ascending, unique
    computed_at_ms: I64  # [M]
    logit: F32  # [M, T]
    scale: F32  # [M]
    codes: NDArray[Any]  # [M, d] as cache.quantise makes them
    precision: Precision

    @classmethod
    def of(
        cls, pair_keys: U64, computed_at_ms: I64, logit: F32, z: F32, precision: Precision
    ) -> Self:
        """In any order; of rows with one key, the newest stays, and of equals the last."""
        quantised = quantise(z, precision)
        made = cls(pair_keys, computed_at_ms, logit, quantised.scale, quantised.codes, precision)
        return made.newest_of_each_pair()

    def taken(self, rows: NDArray[Any] | slice) -> Self:
        columns: Any = (column[rows] for column in self[:-1])
        return type(self)._make([*columns, self.precision])

    def followed_by(self, other: Self) -> Self:
        """Of one precision; ValueError otherwise."""
        if self.precision is not other.precision:
            raise ValueError(
                f"entries in {other.precision.name} after some in {self.precision.name}: "
                "convert them with held_in first"
            )
        pairs: Any = zip(self[:-1], other[:-1], strict=True)
        return type(self)._make([*map(np.concatenate, pairs), self.precision])

    def held_in(self, precision: Precision) -> Self:
        """Quantised again only where it must be: int8 holds the codes of int4 as they are."""
        if precision is self.precision:
            return self
        if (self.precision, precision) == (Precision.INT4, Precision.INT8):
            return self._replace(precision=precision)
        made = quantise(self.z(), precision)
        return self._replace(scale=made.scale, codes=made.codes, precision=precision)

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


class Merged(NamedTuple):
    entries: Entries
    dropped: int  # alive, and without room


def merged(old: Entries, new: Entries, *, alive_since_ms: int, limit: int) -> Merged:
    """Old and new by pair, newest each, without what was computed before `alive_since_ms`.

    At most `limit` stay: the most valuable, and of equally valuable ones the newest.
    """
    kept = old.followed_by(new).newest_of_each_pair()
    kept = kept.taken(kept.computed_at_ms >= alive_since_ms)
    over = len(kept.pair_keys) - limit
    if over <= 0:
        return Merged(kept, 0)
    lives_ms = kept.computed_at_ms - alive_since_ms
    order = np.lexsort((kept.logit[:, 0], kept.computed_at_ms, worth(lives_ms, kept.logit[:, 0])))
    return Merged(kept.taken(np.sort(order[over:])), over)


def worth(lives_ms: I64, logit: F32) -> F64:
    """`[M]`: what is left of an entry's life × the probability that the teacher gave its item.

    The chance that a pair is asked for again grows with the time it has left, and what its z
    brings with the place that the item may take: a wave of candidates that nobody will be shown
    pushes out none that somebody will.
    """
    chance: F64 = 1.0 / (1.0 + np.exp(-logit.astype(np.float64)))
    return lives_ms * chance
