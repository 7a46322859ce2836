"""Pairs by the chance that their user comes back before they expire, and asks for them then.

A pair is worth chance ÷ (1 − chance): what waiting for the next request would lose, against what it
would save should there be none. Users who are away are looked at in turn, those first who are most
likely to come back, when their entries have lived through half of their time.
"""

from typing import Final

import numpy as np

from models.features.records import F64, I64
from models.speculation.memory import USERS, Known
from models.speculation.outlook import Outlook
from models.speculation.policy import Asked, Computed, Waits, Wishes, best, joined

LEAST: Final = 0.02
"""What is worth less is not worth the teacher's time."""
SWEEP_MS: Final = 60_000
SWEPT_USERS: Final = 16
SPENT: Final = 0.75
LOOKS: Final = 8
"""At a user who stays away, within the hard TTL."""


class Hazard:
    holds_back = True

    def __init__(self, hard_ttl_s: float, users: int = USERS) -> None:
        self._hard_ttl_ms = int(1000 * hard_ttl_s)
        self._outlook = Outlook(self._hard_ttl_ms, users)
        self._due_ms = np.full(users, -1)  # by slot; −1 = nobody's
        self._swept_ms = 0

    def asked(self, asked: Asked) -> None:
        self._outlook.asked(asked)
        slot = self._outlook.slots.find(asked.user)
        self._due_ms[slot] = asked.now_ms + int(SPENT * self._hard_ttl_ms)

    def computed(self, computed: Computed) -> None:
        self._outlook.memory.computed(computed)

    def wishes(self, now_ms: int, limit: int) -> Wishes:
        here = self._outlook.memory.taken_here()
        if now_ms >= self._swept_ms + SWEEP_MS:
            self._swept_ms = now_ms
            here += self._away(now_ms)
        return best(joined([self._of_user(user, now_ms) for user in here]), limit)

    def values(self, waits: Waits, now_ms: int) -> F64:
        known = self._outlook.memory.find(waits.user)
        if known is None:
            return np.zeros(len(waits.pairs))
        rows, there = known.rows(waits.pairs)
        value = self._values(known, rows, now_ms) * there
        return np.where(value > LEAST, value, 0.0)

    def _values(self, known: Known, rows: I64, now_ms: int) -> F64:
        chance = self._outlook.chances(known, rows, now_ms)
        return chance / (1.0 - chance)

    def _foresee(self, known: Known, now_ms: int) -> None:
        """Nothing beyond what the user asked for."""

    def _away(self, now_ms: int) -> list[int]:
        slots = np.flatnonzero((self._due_ms >= 0) & (self._due_ms <= now_ms))
        if not len(slots):
            return []
        back = self._outlook.returning(slots, now_ms)
        order = np.argsort(-back, kind="stable")[:SWEPT_USERS]
        looked_at = slots[order]
        self._due_ms[looked_at] = now_ms + self._hard_ttl_ms // LOOKS
        worth = back[order] / (1.0 - back[order])
        return self._outlook.users(looked_at[worth > LEAST])

    def _of_user(self, user: int, now_ms: int) -> Wishes:
        if (known := self._outlook.memory.find(user)) is None:
            return joined([])
        self._foresee(known, now_ms)
        pairs = known.pairs
        value = self._values(known, np.arange(len(pairs.pair)), now_ms)
        rows = np.flatnonzero(value > LEAST)
        return Wishes(np.full(len(rows), user), pairs.pair[rows], pairs.item[rows], value[rows])
