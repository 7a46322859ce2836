"""The most offered pairs for the users who are active: value = activity · share of requests.

Activity is a user's number of requests, share a pair's part in all of them, both decayed.
"""

from typing import Final

import numpy as np

from models.features.records import F64
from models.speculation.memory import PAIRS, USERS, Memory
from models.speculation.offers import Offers, Popular, level_of
from models.speculation.policy import Asked, Computed, Waits, Wishes, best, joined
from models.speculation.slots import Slots

HALF_LIFE_MS: Final = 3_600_000.0
"""Of a user's activity."""
RENEWED_MS: Final = 600_000
"""How long a list of the most offered pairs is good for."""
WISHED: Final = PAIRS // 2
"""Pairs a user; the other half of what is remembered is what they asked for."""


class Popularity:
    holds_back = False

    def __init__(self, hard_ttl_s: float) -> None:
        self._hard_ttl_ms = int(1000 * hard_ttl_s)
        self._memory = Memory()
        self._offers = Offers()
        self._slots = Slots(USERS)
        self._active = np.zeros(USERS)
        self._last_ms = np.zeros(USERS, np.int64)
        self._most = Popular(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        self._renewed_ms = -RENEWED_MS

    def asked(self, asked: Asked) -> None:
        slot, is_new = self._slots.use(asked.user)
        before = 0.0 if is_new else self._activity(slot, asked.now_ms)
        self._active[slot], self._last_ms[slot] = before + 1.0, asked.now_ms
        shares = self._offers.heard(asked.pairs, asked.items, asked.now_ms)
        self._memory.asked(asked, level_of(shares))

    def computed(self, computed: Computed) -> None:
        self._memory.computed(computed)

    def wishes(self, now_ms: int, limit: int) -> Wishes:
        if now_ms >= self._renewed_ms + RENEWED_MS:
            self._renewed_ms, self._most = now_ms, self._offers.most(WISHED)
        here = self._memory.taken_here()
        return best(joined([self._of_user(user, now_ms) for user in here]), limit)

    def values(self, waits: Waits, now_ms: int) -> F64:
        slot = self._slots.find(waits.user)
        if slot is None:
            return np.zeros(len(waits.pairs))
        return self._activity(slot, now_ms) * self._offers.shares(waits.pairs)

    def _activity(self, slot: int, now_ms: int) -> float:
        elapsed_ms = now_ms - int(self._last_ms[slot])
        return float(self._active[slot] * np.exp2(-elapsed_ms / HALF_LIFE_MS))

    def _of_user(self, user: int, now_ms: int) -> Wishes:
        known, slot, most = self._memory.find(user), self._slots.find(user), self._most
        if known is None or slot is None:
            return joined([])
        self._memory.foreseen(known, most.pair, most.item, level_of(most.share))
        rows, there = known.rows(most.pair)
        is_live = there & (known.pairs.computed_ms[rows] + self._hard_ttl_ms > now_ms)
        value = self._activity(slot, now_ms) * most.share[~is_live]
        return Wishes(np.full(len(value), user), most.pair[~is_live], most.item[~is_live], value)
