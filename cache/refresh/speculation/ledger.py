"""What was selected and computed of each user's pairs lately, and what of it was of use.

Bounded by users, of whom the one untouched longest is forgotten, and by pairs a user; what is past
the hard TTL leaves when its user's pairs are next written. Speculated = read + wasted + `unread`.
"""

from collections import Counter, OrderedDict
from typing import Any, Final, NamedTuple, Self

import numpy as np

from cache.arrays import I64, Mask
from cache.demand import MISS
from cache.tiers import TtlPolicy
from models.speculation.memory import NEVER, rows_of
from models.speculation.policy import Asked

USERS: Final = 16_384
PAIRS: Final = 512


class _Kept(NamedTuple):
    pair: I64  # [n] ascending
    selected_ms: I64  # NEVER for one that was only demanded
    computed_ms: I64  # NEVER without an entry
    unread: Mask  # computed unasked, and nobody has read it

    @classmethod
    def of(cls, pairs: I64) -> Self:
        never = np.full(len(pairs), NEVER)
        return cls(np.sort(pairs), never, never.copy(), np.zeros(len(pairs), np.bool_))

    @property
    def touched_ms(self) -> I64:
        return np.maximum(self.selected_ms, self.computed_ms)

    def taken(self, rows: I64 | Mask) -> Self:
        columns: Any = (column[rows] for column in self)
        return type(self)(*columns)

    def followed_by(self, other: Self) -> Self:
        columns: Any = zip(self, other, strict=True)
        both = type(self)(*map(np.concatenate, columns))
        return both.taken(np.argsort(both.pair))

    def rows(self, pairs: I64) -> tuple[I64, Mask]:
        """Rows of `pairs`, and which of them are there."""
        return rows_of(self.pair, pairs)


_NOTHING: Final = _Kept.of(np.zeros(0, np.int64))


class Ledger:
    """`counts`: candidates `asked` for, of which `foreseen`, that is selected before; speculated
    entries `read` before they expired, or `wasted`: expired, computed again or forgotten unread."""

    def __init__(self, ttl: TtlPolicy, users: int = USERS, pairs: int = PAIRS) -> None:
        self.counts: Counter[str] = Counter()
        self._soft_ms, self._hard_ms = 1000.0 * ttl.soft_s, 1000.0 * ttl.hard_s
        self._users, self._pairs = users, pairs
        self._kept: OrderedDict[int, _Kept] = OrderedDict()

    @property
    def unread(self) -> int:
        return sum(int(kept.unread.sum()) for kept in self._kept.values())

    def selected(self, user: int, pairs: I64, now_ms: int) -> None:
        """Distinct pairs."""
        kept = self._with(user, pairs, now_ms)
        kept.selected_ms[kept.rows(pairs)[0]] = now_ms
        self._put(user, kept)

    def computed(self, user: int, pairs: I64, at_ms: int, is_speculated: bool) -> None:
        """Distinct pairs."""
        kept = self._with(user, pairs, at_ms)
        rows = kept.rows(pairs)[0]
        self.counts["wasted"] += int(kept.unread[rows].sum())
        kept.computed_ms[rows], kept.unread[rows] = at_ms, is_speculated
        self._put(user, kept)

    def is_fresh(self, user: int, pairs: I64, now_ms: int) -> Mask:
        """`[n]`: computed within the soft TTL."""
        kept = self._kept.get(user, _NOTHING)
        rows, there = kept.rows(pairs)
        if there.any():
            there &= now_ms - kept.computed_ms[rows] <= self._soft_ms
        return there

    def heard(self, asked: Asked) -> None:
        self.counts["asked"] += len(asked.pairs)
        kept = self._kept.get(asked.user, _NOTHING)
        rows, there = kept.rows(asked.pairs)
        if not there.any():
            return
        age_ms = asked.now_ms - kept.selected_ms[rows]
        self.counts["foreseen"] += int((there & (age_ms > 0) & (age_ms <= self._hard_ms)).sum())
        read = rows[there & (asked.standing != MISS)]
        self.counts["read"] += int(kept.unread[read].sum())
        kept.unread[read] = False

    def _with(self, user: int, pairs: I64, now_ms: int) -> _Kept:
        """The user's pairs and these, without what is past the hard TTL."""
        kept = self._kept.get(user, _NOTHING)
        stays = (now_ms - kept.touched_ms <= self._hard_ms) | np.isin(kept.pair, pairs)
        kept = self._less(kept, stays)
        return kept.followed_by(_Kept.of(pairs[~kept.rows(pairs)[1]]))

    def _put(self, user: int, kept: _Kept) -> None:
        if len(kept.pair) > self._pairs:
            stays = np.zeros(len(kept.pair), np.bool_)
            stays[np.argsort(kept.touched_ms, kind="stable")[-self._pairs :]] = True
            kept = self._less(kept, stays)
        self._kept[user] = kept
        self._kept.move_to_end(user)
        if len(self._kept) > self._users:
            self.counts["wasted"] += int(self._kept.popitem(last=False)[1].unread.sum())

    def _less(self, kept: _Kept, stays: Mask) -> _Kept:
        self.counts["wasted"] += int(kept.unread[~stays].sum())
        return kept.taken(stays)
