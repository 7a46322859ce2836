"""A policy that is easily told: after a request, all that its user ever asked for."""

import numpy as np

from cache.arrays import F64
from models.speculation.policy import NO_WISHES, Asked, Computed, Waits, Wishes


class Recurring:
    holds_back = False

    def __init__(self) -> None:
        self.heard: list[Asked] = []
        self.told: list[Computed] = []
        self._known: dict[int, dict[int, int]] = {}  # item by pair, by user
        self._here: set[int] = set()

    def asked(self, asked: Asked) -> None:
        self.heard.append(asked)
        known = self._known.setdefault(asked.user, {})
        known |= zip(asked.pairs.tolist(), asked.items.tolist(), strict=True)
        self._here.add(asked.user)

    def computed(self, computed: Computed) -> None:
        self.told.append(computed)

    def wishes(self, now_ms: int, limit: int) -> Wishes:
        rows = [(user, *pair) for user in self._here for pair in self._known[user].items()]
        self._here = set()
        if not rows:
            return NO_WISHES
        user, pair, item = np.array(rows, np.int64).T
        return Wishes(user, pair, item, np.ones(len(rows)))

    def values(self, waits: Waits, now_ms: int) -> F64:
        return np.ones(len(waits.pairs))
