"""What a policy remembers of each user: the pairs asked for lately, and what was computed of them.

Bounded by users, of whom the one silent longest is forgotten, and by pairs a user, of which those
untouched longest are.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

import numpy as np

from models.features.records import F32, I64
from models.speculation.policy import Asked, Computed
from models.speculation.trace import Mask

NEVER: Final = -(1 << 62)
USERS: Final = 32_768
PAIRS: Final = 512


class Pairs(NamedTuple):
    pair: I64  # [n] ascending
    item: I64
    score: F32  # when it was last asked for; 0 for one that never was
    level: I64  # of popularity then, as models.speculation.offers has them
    asked_ms: I64  # NEVER for one that was only foreseen
    computed_ms: I64  # NEVER without an entry

    def taken(self, rows: I64 | Mask) -> Self:
        columns: Any = (column[rows] for column in self)
        return type(self)(*columns)


def _none() -> Pairs:
    none = np.zeros(0, np.int64)
    return Pairs(none, none, np.zeros(0, np.float32), none, none, none)


@dataclass(slots=True)
class Known:
    """One user. The arrays are the memory's: read them at once, keep none."""

    user: int
    last_ms: int = NEVER
    before_ms: int = NEVER  # the request before the last one
    pairs: Pairs = field(default_factory=_none)

    def rows(self, pairs: I64) -> tuple[I64, Mask]:
        """Rows of `pairs`, and which of them are there."""
        return rows_of(self.pairs.pair, pairs)


def rows_of(known: I64, pairs: I64) -> tuple[I64, Mask]:
    """Rows of `pairs` in `known`, which ascend, and which of them are there."""
    if not len(known):
        return np.zeros(len(pairs), np.int64), np.zeros(len(pairs), np.bool_)
    rows = np.minimum(known.searchsorted(pairs), len(known) - 1)
    return rows, known[rows] == pairs


class Memory:
    def __init__(self, users: int = USERS, pairs: int = PAIRS) -> None:
        self._users, self._pairs = users, pairs
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._here: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, user: int) -> Known | None:
        return self._known.get(user)

    def asked(self, asked: Asked, levels: I64) -> Known:
        """The user, with this request remembered; `levels` [n] of popularity."""
        known = self._known.pop(asked.user, None) or Known(asked.user)
        self._known[asked.user] = known
        self._here[asked.user] = None
        if len(self._known) > self._users:
            self._here.pop(self._known.popitem(last=False)[0], None)
        rows, there = known.rows(asked.pairs)
        old = rows[there]
        known.pairs.asked_ms[old] = asked.now_ms
        known.pairs.score[old] = asked.scores[there]
        known.pairs.level[old] = levels[there]
        if len(old) < len(rows):
            new = ~there
            pairs, items, scores = asked.pairs[new], asked.items[new], asked.scores[new]
            self._add(known, _new(pairs, items, scores, levels[new], asked.now_ms))
        known.before_ms, known.last_ms = known.last_ms, asked.now_ms
        return known

    def taken_here(self) -> list[int]:
        """Who has asked since this was last called, and is remembered."""
        here, self._here = [*self._here], {}
        return here

    def foreseen(self, known: Known, pairs: I64, items: I64, levels: I64) -> None:
        """Remembers pairs that were never asked for; those that were stay as they are."""
        new = ~known.rows(pairs)[1]
        new[np.cumsum(new) > self._pairs - len(known.pairs.pair)] = False
        if new.any():
            scores = np.zeros(int(new.sum()), np.float32)
            self._add(known, _new(pairs[new], items[new], scores, levels[new], NEVER))

    def computed(self, computed: Computed) -> None:
        """Of a user and of pairs that are remembered; others are not."""
        known = self._known.get(computed.user)
        if known is not None:
            rows, there = known.rows(computed.pairs)
            known.pairs.computed_ms[rows[there]] = computed.at_ms

    def _add(self, known: Known, new: Pairs) -> None:
        columns: Any = zip(known.pairs, new, strict=True)
        both = Pairs(*map(np.concatenate, columns))
        if len(both.pair) > self._pairs:
            touched_ms = np.maximum(both.asked_ms, both.computed_ms)
            both = both.taken(np.lexsort((both.pair, touched_ms))[-self._pairs :])
        known.pairs = both.taken(np.argsort(both.pair))


def _new(pairs: I64, items: I64, scores: F32, levels: I64, asked_ms: int) -> Pairs:
    count = len(pairs)
    return Pairs(pairs, items, scores, levels, np.full(count, asked_ms), np.full(count, NEVER))
