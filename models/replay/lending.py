"""What a teacher has said and who asks for it: the ground that replayed lower tiers stand on.

An entry counts for whoever asks while it is younger than the hard TTL, and only when it was there
strictly before. Letters: E entries, N askers, d numbers of a z, T tasks. Torch-free.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features.records import F32, I64


class Entries(NamedTuple):
    """In any order; of two that came at the same time the later row is the newer."""

    user: I64  # [E]
    pair: I64  # [E] a code of item and context
    item: I64  # [E]
    at_ms: I64  # [E] when it was there
    z: F32  # [E, d]
    logit: F32  # [E, T]


class Asked(NamedTuple):
    """In any order."""

    user: I64  # [N]
    pair: I64  # [N] coded as the entries' are
    item: I64  # [N]
    now_ms: I64  # [N]


class Lent(NamedTuple):
    """Zeros where nothing was found."""

    z: F32  # [N, d]
    logit: F32  # [N, T]
    age_s: F32  # [N] of the newest entry that was used
    found: NDArray[np.bool_]  # [N]


class Windows(NamedTuple):
    """`[N]` half-open runs of places on a shelf; none is alive where `first` is `end`."""

    first: I64
    end: I64


class Shelf:
    """Entries by group and, within a group, oldest first; `order[place]` is the entry's row."""

    def __init__(self, group: I64, at_ms: I64) -> None:
        self.order: I64 = np.lexsort((at_ms, group))
        self._groups, code = np.unique(group, return_inverse=True)
        self._times, rank = np.unique(at_ms, return_inverse=True)
        self._keys: I64 = (self._step * code + rank)[self.order]

    def alive(self, group: I64, now_ms: I64, hard_ttl_ms: int) -> Windows:
        code = codes_in(self._groups, group)
        return Windows(self._place(code, now_ms - hard_ttl_ms), self._place(code, now_ms))

    def starts(self) -> I64:
        """The places where groups start, and the end of the last."""
        return np.searchsorted(self._keys, self._step * np.arange(len(self._groups) + 1))

    @property
    def _step(self) -> int:
        return len(self._times) + 1

    def _place(self, code: I64, time_ms: I64) -> I64:
        """Of the first entry of the group at or after a time."""
        rank = np.searchsorted(self._times, time_ms)
        return np.searchsorted(self._keys, self._step * code + rank)


def codes_in(known: I64, values: I64) -> I64:
    """Places of values in `known`, which ascends; its length for those that it lacks."""
    first, end = (np.searchsorted(known, values, side=side) for side in ("left", "right"))
    return np.where(first < end, first, len(known))


def nothing_lent(asked: Asked, entries: Entries) -> Lent:
    count = len(asked.user)
    return Lent(
        np.zeros((count, entries.z.shape[1]), np.float32),
        np.zeros((count, entries.logit.shape[1]), np.float32),
        np.zeros(count, np.float32),
        np.zeros(count, np.bool_),
    )


def whole_ms(seconds: float) -> int:
    """Times are whole milliseconds: a difference is within `seconds` when it is within this."""
    return int(seconds * 1000.0)
