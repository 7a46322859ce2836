"""Users' pages of a simulated cache: merged and bounded as the cache does it.

At most `limit` entries stay: those with most of life left × probability, as cache.entries has it.
"""

from typing import Final, Literal, NamedTuple, Self, get_args

import numpy as np

from models.features.records import F64, I64
from models.speculation.trace import Mask

Wasted = Literal["expired", "evicted", "replaced", "unread"]
"""Of entries that nobody read: past the hard TTL, pushed out, computed again, there at the end."""


class Page(NamedTuple):
    pair: I64  # [M] ascending
    at_ms: I64
    chance: F64  # the teacher's probability, or what stands for it
    read: Mask  # written to

    @classmethod
    def of(cls, pair: I64, at_ms: int, chance: F64) -> Self:
        return cls(pair, np.full(len(pair), at_ms), chance, np.zeros(len(pair), np.bool_))

    def taken(self, rows: I64 | Mask) -> Self:
        pair, at_ms, chance, read = self
        return type(self)(pair[rows], at_ms[rows], chance[rows], read[rows])

    def joined(self, other: "Page") -> Self:
        """Of no pair in common."""
        both = type(self)(
            np.concatenate([self.pair, other.pair]),
            np.concatenate([self.at_ms, other.at_ms]),
            np.concatenate([self.chance, other.chance]),
            np.concatenate([self.read, other.read]),
        )
        return both.taken(np.argsort(both.pair))


EMPTY: Final = Page.of(np.zeros(0, np.int64), 0, np.zeros(0))


class Pages:
    """Entries computed before `counted_from_ms` are in no count of reads and waste."""

    def __init__(self, *, hard_ttl_ms: float, limit: int, counted_from_ms: int) -> None:
        self.read = 0
        self.written = 0
        self.wasted: dict[Wasted, int] = dict.fromkeys(get_args(Wasted), 0)
        self._pages: dict[int, Page] = {}
        self._hard_ttl_ms = hard_ttl_ms
        self._limit = limit
        self._counted_from_ms = counted_from_ms

    def ages_ms(self, user: int, pairs: I64, now_ms: int) -> I64:
        """`[n]`, −1 without a live entry; changes nothing."""
        return self._ages(self._pages.get(user, EMPTY), pairs, now_ms)[0]

    def read_ages_ms(self, user: int, pairs: I64, now_ms: int) -> I64:
        """`[n]`, −1 without a live entry; the others count as read."""
        page = self._pages.get(user, EMPTY)
        ages_ms, rows = self._ages(page, pairs, now_ms)
        found = rows[ages_ms >= 0]
        if len(found):
            first = found[~page.read[found]]
            self.read += int((page.at_ms[first] >= self._counted_from_ms).sum())
            page.read[found] = True
        return ages_ms

    def write(self, user: int, new: Page, now_ms: int) -> None:
        """Entries computed by then; of a pair that is there the new one counts."""
        old = self._alive(self._pages.get(user, EMPTY), now_ms)
        replaced = np.isin(old.pair, new.pair, assume_unique=True)
        self._gone("replaced", old.taken(replaced))
        self.written += int((new.at_ms >= self._counted_from_ms).sum())
        self._pages[user] = self._bounded(old.taken(~replaced).joined(new), now_ms)

    def close(self, now_ms: int) -> None:
        for page in self._pages.values():
            self._gone("unread", self._alive(page, now_ms))
        self._pages = {}

    def _ages(self, page: Page, pairs: I64, now_ms: int) -> tuple[I64, I64]:
        """And the rows of the page that they are of."""
        if not len(page.pair):
            return np.full(len(pairs), -1), np.zeros(len(pairs), np.int64)
        rows = np.minimum(page.pair.searchsorted(pairs), len(page.pair) - 1)
        ages_ms = now_ms - page.at_ms[rows]
        is_live = (page.pair[rows] == pairs) & (ages_ms <= self._hard_ttl_ms)
        return np.where(is_live, ages_ms, -1), rows

    def _alive(self, page: Page, now_ms: int) -> Page:
        alive = now_ms - page.at_ms <= self._hard_ttl_ms
        if alive.all():
            return page
        self._gone("expired", page.taken(~alive))
        return page.taken(alive)

    def _bounded(self, page: Page, now_ms: int) -> Page:
        if len(page.pair) <= self._limit:
            return page
        worth = (page.at_ms - (now_ms - self._hard_ttl_ms)) * page.chance
        order = np.lexsort((page.pair, page.chance, page.at_ms, worth))
        self._gone("evicted", page.taken(order[: -self._limit]))
        return page.taken(np.sort(order[-self._limit :]))

    def _gone(self, reason: Wasted, page: Page) -> None:
        wasted = ~page.read & (page.at_ms >= self._counted_from_ms)
        self.wasted[reason] += int(wasted.sum())
