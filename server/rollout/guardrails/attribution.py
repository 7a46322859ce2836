"""Clicks joined to the impressions they belong to, once these are old enough to be complete.

A request counts when its attribution window has passed, with the clicks that came within it. The
other way, to count at once and weigh by the known distribution of delays, needs both lanes to
have the same one; a student that shows other ads changes it, and would be judged by its delays.
Waiting costs only the window, in which the other guardrails watch.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from models.features.records import F32

CAPACITY: Final = 100_000


@dataclass(slots=True)
class Shown:
    user_id: str
    at_s: float
    impressions: int
    expected: float  # Σ p over impressions
    spread: float  # Σ p(1 − p)
    clicked: set[int] = field(default_factory=set)  # places in the slate
    value: float = 0.0


class Attribution:
    def __init__(self, window_s: float, capacity: int = CAPACITY) -> None:
        """At most `capacity` requests wait. One that finds no room is not followed at all, which,
        unlike leaving out an old one, has nothing to do with whether it will be clicked."""
        self._window_s = window_s
        self._capacity = capacity
        self._waiting: OrderedDict[str, Shown] = OrderedDict()
        self.unfollowed = 0

    def show(self, request_id: str, user_id: str, probabilities: F32, at_s: float) -> None:
        """`probabilities` are those of the shown candidates; times come in order."""
        if request_id in self._waiting:
            return
        if len(self._waiting) >= self._capacity:
            self.unfollowed += 1
            return
        p = probabilities.astype(np.float64)
        spread = float((p * (1.0 - p)).sum())
        self._waiting[request_id] = Shown(user_id, at_s, len(p), float(p.sum()), spread)

    def click(self, request_id: str, place: int, value: float, at_s: float) -> bool:
        """Whether it counts: its request is followed, its window open, its place new."""
        shown = self._waiting.get(request_id)
        if shown is None or at_s - shown.at_s >= self._window_s or place in shown.clicked:
            return False
        if not 0 <= place < shown.impressions:
            return False
        shown.clicked.add(place)
        shown.value += value
        return True

    def settled(self, now_s: float) -> list[Shown]:
        """Requests whose window has passed; each is given once."""
        found = []
        while self._waiting:
            request_id, shown = next(iter(self._waiting.items()))
            if now_s - shown.at_s < self._window_s:
                break
            del self._waiting[request_id]
            found.append(shown)
        return found
