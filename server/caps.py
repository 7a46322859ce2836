"""At most so many candidates of a group in the slate."""

from collections.abc import Sequence

import numpy as np

from models.features.records import I64, U64, Mask


class Caps:
    """Counts what is taken. Candidates are numbered by value, the best first.

    `groups` [n, C]: a key by candidate and column, 0 = of no group, never too many; `limits`, one
    a column.
    """

    def __init__(self, groups: U64, limits: Sequence[int]) -> None:
        self._columns = np.ascontiguousarray(groups.T)
        self._limits = limits
        self._counts: list[dict[int, int]] = [{} for _ in limits]
        self._taken: list[int] = []
        self.open: Mask = np.ones(len(groups), np.bool_)
        """[n] Whose groups all have room."""
        self.is_over = False
        """More of a group were taken than are allowed, which only pins can be."""

    def take(self, item: int) -> bool:
        """Whether a group is full now."""
        self._taken.append(item)
        has_closed = False
        for column, limit, counts in zip(self._columns, self._limits, self._counts, strict=True):
            group = int(column[item])
            if not group:
                continue
            counts[group] = count = counts.get(group, 0) + 1
            self.is_over |= count > limit
            if count == limit:
                self.open &= column != group
                has_closed = True
        return has_closed

    def next(self, rest: I64, count: int) -> I64:
        """The first `count` of `rest`, ascending, that there is room for; they are not taken in
        full account, so this comes last."""
        if len(self._columns) == 1:
            return rest[self._has_room(rest)][:count]
        return rest[self._in_turn(rest, count)]

    def _has_room(self, rest: I64) -> Mask:
        items = np.concatenate([np.array(self._taken, np.int64), rest])
        keys = self._columns[0][items]
        fits: Mask = (places_within(keys) < self._limits[0]) | (keys == 0)
        return fits[len(self._taken) :]

    def _in_turn(self, rest: I64, count: int) -> list[int]:
        """Whoever is kept out by one column takes no room in another: no ranks within a column
        say that."""
        is_open = self.open[rest]
        flags = bytearray(is_open.tobytes())
        shared = np.frombuffer(flags, np.bool_)
        kept: list[int] = []
        while len(kept) < count and (place := flags.find(1, kept[-1] + 1 if kept else 0)) >= 0:
            kept.append(place)
            if self.take(int(rest[place])):
                shared[:] = self.open[rest]
        return kept


def places_within(keys: U64) -> I64:
    """`[n]`: how many of the same key come before each."""
    order = np.argsort(keys, kind="stable")
    is_first = np.ones(len(keys), np.bool_)
    is_first[1:] = keys[order[1:]] != keys[order[:-1]]
    places = np.arange(len(keys))
    begins = np.maximum.accumulate(np.where(is_first, places, 0))
    within = np.empty(len(keys), np.int64)
    within[order] = places - begins
    return within
