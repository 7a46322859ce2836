"""What a policy hears, and what it is asked for.

A policy knows what came strictly before: it is told of a request after the request has read the
cache, and of computed entries once they can be read.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from models.features.records import F32, F64, I64, U8

MISS: Final = 0
STALE: Final = 1
HIT: Final = 2


class Asked(NamedTuple):
    """One request, and how each of its n candidates was found in the cache."""

    user: int
    now_ms: int
    pairs: I64  # [n] ascending
    items: I64  # [n]
    scores: F32  # [n] the student's probabilities
    standing: U8  # [n] MISS, STALE, HIT


class Computed(NamedTuple):
    """What the teacher has said of one user, readable from now on."""

    user: int
    pairs: I64  # [n]
    at_ms: int  # as of when: its age counts from there


class Wishes(NamedTuple):
    """W pairs to compute. A value is positive and relative: twice as much is worth twice as much.

    Of a pair that is wished for twice the last one counts.
    """

    user: I64  # [W]
    pair: I64
    item: I64
    value: F64

    def taken(self, rows: I64 | NDArray[np.bool_]) -> Self:
        user, pair, item, value = self
        return type(self)(user[rows], pair[rows], item[rows], value[rows])


class Waits(NamedTuple):
    """Pairs of one user that were wished for and not computed yet."""

    user: int
    pairs: I64  # [n] ascending
    since_ms: I64  # [n] when they were last wished for


class Policy(Protocol):
    holds_back: bool
    """Whether values are amounts and not an order alone: then budget is saved for better ones."""

    def asked(self, asked: Asked) -> None: ...

    def computed(self, computed: Computed) -> None: ...

    def wishes(self, now_ms: int, limit: int) -> Wishes:
        """At most `limit`, in any order. A wish stands until it is computed or dropped; the same
        pair wished for again takes the new value.
        """
        ...

    def values(self, waits: Waits, now_ms: int) -> F64:
        """`[n]`: what they are worth by now, 0 for what is wanted no more. While their user stays
        away they should not rise: what waits is looked at again only when it is about to be taken.
        """
        ...


NO_WISHES: Final = Wishes(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
)


def joined(parts: Sequence[Wishes]) -> Wishes:
    if len(parts) <= 1:
        return parts[0] if parts else NO_WISHES
    columns: Any = zip(*parts, strict=True)
    return Wishes(*map(np.concatenate, columns))


def best(wishes: Wishes, limit: int) -> Wishes:
    if len(wishes.pair) <= limit:
        return wishes
    rows = np.argpartition(wishes.value, len(wishes.pair) - limit)[-limit:]
    return wishes.taken(rows)
