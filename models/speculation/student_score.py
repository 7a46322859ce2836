"""What the student ranked high for a user within the last hours: value = score, halved every hour.

When a session begins, also what it ranked high in earlier ones.
"""

from typing import Final

import numpy as np

from models.features.records import F64, I64
from models.speculation.memory import NEVER, Known, Memory
from models.speculation.policy import Asked, Computed, Waits, Wishes, best, joined

HOURS_MS: Final = 4 * 3_600_000
HALF_LIFE_MS: Final = 3_600_000.0
RANKED: Final = 64
"""Pairs of a user, by their latest scores."""
PAUSE_MS: Final = 1_800_000
"""A session begins after at least so long a pause."""
LEAST: Final = 1e-12


class StudentScore:
    holds_back = False

    def __init__(self, hard_ttl_s: float) -> None:
        self._hard_ttl_ms = int(1000 * hard_ttl_s)
        self._memory = Memory()

    def asked(self, asked: Asked) -> None:
        self._memory.asked(asked, np.zeros(len(asked.pairs), np.int64))

    def computed(self, computed: Computed) -> None:
        self._memory.computed(computed)

    def wishes(self, now_ms: int, limit: int) -> Wishes:
        here = self._memory.taken_here()
        return best(joined([self._of_user(user, now_ms) for user in here]), limit)

    def values(self, waits: Waits, now_ms: int) -> F64:
        if (known := self._memory.find(waits.user)) is None:
            return np.zeros(len(waits.pairs))
        rows, there = known.rows(waits.pairs)
        return np.where(there, _value(known, rows, now_ms), 0.0)

    def _of_user(self, user: int, now_ms: int) -> Wishes:
        if (known := self._memory.find(user)) is None:
            return joined([])
        rows = _ranked(known)
        pairs = known.pairs.taken(rows)
        missing = pairs.computed_ms + self._hard_ttl_ms <= now_ms
        value = _value(known, rows, now_ms)[missing]
        return Wishes(np.full(len(value), user), pairs.pair[missing], pairs.item[missing], value)


def _ranked(known: Known) -> I64:
    """Rows of the best, of the last hours alone unless a session has just begun."""
    pairs = known.pairs
    begins = known.last_ms - known.before_ms >= PAUSE_MS
    since_ms = NEVER if begins else known.last_ms - HOURS_MS
    rows = np.flatnonzero(pairs.asked_ms >= since_ms)
    return rows[np.lexsort((pairs.pair[rows], -pairs.score[rows]))[:RANKED]]


def _value(known: Known, rows: I64, now_ms: int) -> F64:
    ages_ms = now_ms - known.pairs.asked_ms[rows]
    score = known.pairs.score[rows].astype(np.float64)
    return np.asarray(np.maximum(score * np.exp2(-ages_ms / HALF_LIFE_MS), LEAST))
