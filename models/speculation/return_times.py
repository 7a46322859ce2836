"""When users come back: the distribution of gaps, learnt as they end.

The hazard of a gap's bin is the number of gaps that ended in it ÷ those that reached it, the open
gaps of users who have not come back among them (Kaplan and Meier). It is everybody's, times a
factor of the part of the day in which the gap began, times one of the user's activity (requests,
halved every day); factors that few gaps speak for stay near 1.
"""

from typing import Final

import numpy as np

from models.features.records import F64, I64
from models.speculation.gaps import BINS, PARTS, bin_of, part_of

CLASSES: Final = 14
"""Of activity, half an octave each."""
KINDS: Final = CLASSES * PARTS
HALF_LIFE_MS: Final = 86_400_000.0
PRIOR_RETURNS: Final = 20.0
RELEARN: Final = 256
"""Requests between two looks at the open gaps, at most; as many as were heard before, if fewer."""


class ReturnTimes:
    """Of users by their slots."""

    def __init__(self, users: int) -> None:
        self.last_ms = np.zeros(users, np.int64)  # 0 = a slot that nobody has
        self._active = np.zeros(users)
        self._kind = np.zeros(users, np.int64)
        self._ended = np.zeros((KINDS, BINS))
        self._heard = self._learnt = 0

    def asked(self, slot: int, now_ms: int, is_new: bool) -> None:
        self._heard += 1
        gap_ms = now_ms - int(self.last_ms[slot])
        if is_new:
            self._active[slot] = 0.0
        else:
            self._ended[self._kind[slot], bin_of(np.array(gap_ms))] += 1.0
            self._active[slot] *= np.exp2(-gap_ms / HALF_LIFE_MS)
        self.last_ms[slot] = now_ms
        self._active[slot] += 1.0
        self._kind[slot] = _class_of(float(self._active[slot])) * PARTS + part_of(np.array(now_ms))

    def kinds(self, slots: I64 | int) -> I64:
        """Rows of `stays`."""
        return self._kind[slots]

    def is_due(self) -> bool:
        """Whether so much has happened that `stays` is worth working out again."""
        if self._heard < self._learnt + min(self._learnt, RELEARN):
            return False
        self._learnt = self._heard
        return True

    def stays(self, now_ms: int) -> F64:
        """`[kinds, bins + 1]`: chance of no return before the bin begins."""
        still_open = self._still_open(now_ms)
        passed = self._ended + still_open
        reached = np.cumsum(passed[:, ::-1], axis=1)[:, ::-1] - 0.5 * still_open
        pooled = self._ended.sum(0) / (reached.sum(0) + 1.0)
        ended, expected = (
            each.reshape(CLASSES, PARTS, BINS) for each in (self._ended, reached * pooled)
        )
        of_part = _factor(ended.sum(0), expected.sum(0))
        of_class = _factor(ended.sum(1), (expected * of_part).sum(1))
        hazard = pooled * of_part * of_class[:, None]
        stays = np.cumprod(1.0 - np.minimum(hazard, 0.999).reshape(KINDS, BINS), axis=1)
        return np.concatenate([np.ones((KINDS, 1)), stays], axis=1)

    def _still_open(self, now_ms: int) -> F64:
        taken = np.flatnonzero(self.last_ms)
        cell = self._kind[taken] * BINS + bin_of(now_ms - self.last_ms[taken])
        counted = np.bincount(cell, minlength=KINDS * BINS)
        return counted.reshape(KINDS, BINS).astype(np.float64)


def _factor(ended: F64, expected: F64) -> F64:
    """The mean of a gamma-distributed rate, given what it ended and what it was expected to."""
    return (ended + PRIOR_RETURNS) / (expected + PRIOR_RETURNS)


def _class_of(active: float) -> int:
    return min(int(2.0 * np.log2(active)), CLASSES - 1)
