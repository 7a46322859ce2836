"""Items that were added, changed or withdrawn since the catalogue file was written."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from models.features.item_state import ItemState
from models.features.item_status import ACTIVE
from models.features.records import I64, U64
from models.features.sieve import Sieve

_FOREVER_MS: Final = np.int64(1 << 62)


class Slotted(NamedTuple):
    keys: U64  # [n]
    slots: I64  # [n]


class Successor(NamedTuple):
    delta: "Delta"
    entered: Slotted
    left: Slotted  # for lack of room; may be some of those that entered


@dataclass(frozen=True, slots=True)
class Delta:
    """D items by slot, which an item keeps as long as it is in here. Never written to: a change
    makes another delta, and who reads this one reads all of it or nothing."""

    keys: U64  # [D] ascending
    slots: I64  # [D] of the keys
    states: ItemState  # [S] by slot
    sieve: Sieve

    @classmethod
    def of(cls, keys: U64, slots: I64, states: ItemState) -> "Delta":
        return cls(keys, slots, states, Sieve.of(keys))

    @classmethod
    def empty(cls, like: ItemState) -> "Delta":
        return cls.of(np.zeros(0, np.uint64), np.zeros(0, np.int64), like.part(slice(0)))

    def __len__(self) -> int:
        return len(self.keys)

    def over(self, keys: U64, rows: I64, first: int) -> I64:
        """`rows` of these keys elsewhere, but `first` + slot where the item is in here."""
        if not len(self.keys):
            return rows
        sifted = self.sieve.holds(keys)
        if not np.count_nonzero(sifted):
            return rows
        few = keys[sifted]
        at = np.searchsorted(self.keys, few)
        is_here = self.keys.take(at, mode="clip") == few
        rows = rows.copy()
        rows[sifted] = np.where(is_here, first + self.slots.take(at, mode="clip"), rows[sifted])
        return rows

    def has_withdrawn(self) -> bool:
        return bool((self.states.status[self.slots] != ACTIVE).any())

    def followed_by(self, keys: U64, items: ItemState, limit: int) -> Successor:
        """With these items (keys ascending), and without those that are too many."""
        at = np.searchsorted(self.keys, keys)
        is_new = np.ones(len(keys), np.bool_)
        if len(self.keys):
            is_new = self.keys.take(at, mode="clip") != keys
        slots = np.empty(len(keys), np.int64)
        slots[~is_new] = self.slots[at[~is_new]]
        slots[is_new] = self._free(int(is_new.sum()))
        entered = Slotted(keys[is_new], slots[is_new])
        grown = _Grown(
            np.insert(self.keys, at[is_new], entered.keys),
            np.insert(self.slots, at[is_new], entered.slots),
            self.states.with_items(slots, items),
        )
        kept, left = grown.within(limit)
        return Successor(Delta.of(*kept), entered, left)

    def _free(self, count: int) -> I64:
        """The first slots without an item: whoever leaves keeps theirs until the next change, so
        that nobody who still reads this delta finds another item there."""
        is_free = np.ones(len(self.keys) + count, np.bool_)
        is_free[self.slots[self.slots < len(is_free)]] = False
        return np.flatnonzero(is_free)[:count]


class _Grown(NamedTuple):
    """A delta to be, before it is cut to its size."""

    keys: U64
    slots: I64
    states: ItemState

    def within(self, limit: int) -> "tuple[_Grown, Slotted]":
        """The newest stay; what was withdrawn stays before all else, for an item that must not be
        shown does more harm than one that is ranked as it used to be."""
        excess = len(self.keys) - limit
        if excess <= 0:
            return self, Slotted(self.keys[:0], self.slots[:0])
        held = self.states
        worth = np.maximum(held.status_at, held.columns_at) + (held.status != ACTIVE) * _FOREVER_MS
        leaving = np.argpartition(worth[self.slots], excess - 1)[:excess]
        left = Slotted(self.keys[leaving], self.slots[leaving])
        kept = np.delete(self.keys, leaving), np.delete(self.slots, leaving)
        return _Grown(*kept, self.states), left
