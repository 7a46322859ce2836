"""What was missed or found stale, newest first; nothing is foreseen."""

from collections import deque
from typing import Final

import numpy as np

from models.features.records import F64
from models.speculation.policy import HIT, Asked, Computed, Waits, Wishes, best, joined

MAX_REQUESTS: Final = 4096
"""Requests whose demand is kept until the next plan; the oldest are forgotten."""
SCORED: Final = 0.01
"""How little the score weighs: it orders what one request asked for."""


class DemandOnly:
    """A wish is handed over once; the scheduler keeps what waits, each pair once.

    With `holds_back` the newest demand counts as so much more than older one that budget is saved
    for it: a rival that knows nothing of users, yet spends like those that do.
    """

    def __init__(self, holds_back: bool = False) -> None:
        self.holds_back = holds_back
        self._demand: deque[Wishes] = deque(maxlen=MAX_REQUESTS)

    def asked(self, asked: Asked) -> None:
        wanted = asked.standing != HIT
        if wanted.any():
            pairs = asked.pairs[wanted]
            value = 1.0 + SCORED * asked.scores[wanted].astype(np.float64)
            user = np.full(len(pairs), asked.user)
            self._demand.append(Wishes(user, pairs, asked.items[wanted], value))

    def computed(self, computed: Computed) -> None:
        """Nothing to forget: a pair is wished for again when it is missed again."""

    def wishes(self, now_ms: int, limit: int) -> Wishes:
        wishes = joined(self._demand)
        self._demand.clear()
        return best(wishes, limit)

    def values(self, waits: Waits, now_ms: int) -> F64:
        """Any function that falls with the age would give the same order."""
        return 1.0 / (1.0 + (now_ms - waits.since_ms) / 1000.0)
