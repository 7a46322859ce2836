"""Live counters of items, as columns that are written in place."""

from typing import NamedTuple, Protocol

import numpy as np

from models.features.records import F64, I64, U64, Mask


class ItemCounts(Protocol):
    """Absolute values of n items, as any store holds them (see cache.items)."""

    @property
    def keys(self) -> U64: ...  # [n] unique
    @property
    def counters(self) -> F64: ...  # [n, 1 + T]
    @property
    def counters_at(self) -> I64: ...  # [n] ms


class Counted(NamedTuple):
    counters: F64  # [N, 1 + T]
    counters_at: I64  # [N] ms

    @classmethod
    def zeros(cls, rows: int, tasks: int) -> "Counted":
        """Rows that are never written to take no memory."""
        return cls(np.zeros((rows, 1 + tasks)), np.zeros(rows, np.int64))

    def at(self, rows: I64 | Mask) -> "Counted":
        return Counted(self.counters[rows], self.counters_at[rows])

    def write(self, rows: I64, counted: "Counted") -> int:
        """What is older than the value held is left out; the number of rows written.

        What is the same is left out too: pages of a mapped file that no process has written to are
        shared by all of them.
        """
        held = self.at(rows)
        is_newer = counted.counters_at > held.counters_at
        is_same_time = counted.counters_at == held.counters_at
        is_newer |= is_same_time & (counted.counters != held.counters).any(axis=1)
        written = rows[is_newer]
        self.counters[written], self.counters_at[written] = counted.at(is_newer)
        return len(written)
