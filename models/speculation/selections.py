"""When each pair was last selected, for as long as its entry would have been of use."""

from typing import NamedTuple

import numpy as np

from models.features.records import I64
from models.speculation.trace import Mask


class _Selected(NamedTuple):
    pair: I64  # ascending
    at_ms: I64


class Selections:
    def __init__(self, hard_ttl_ms: float) -> None:
        self._hard_ttl_ms = hard_ttl_ms
        self._users: dict[int, _Selected] = {}

    def add(self, user: int, pairs: I64, now_ms: int) -> None:
        """Distinct pairs."""
        old = self._users.get(user)
        if old is None:
            self._users[user] = _Selected(np.sort(pairs), np.full(len(pairs), now_ms))
            return
        stays = (now_ms - old.at_ms <= self._hard_ttl_ms) & ~np.isin(old.pair, pairs)
        pair = np.concatenate([old.pair[stays], pairs])
        at_ms = np.concatenate([old.at_ms[stays], np.full(len(pairs), now_ms)])
        order = np.argsort(pair)
        self._users[user] = _Selected(pair[order], at_ms[order])

    def had(self, user: int, pairs: I64, now_ms: int) -> Mask:
        """Those selected strictly before now, and not longer ago than an entry lives."""
        known = self._users.get(user)
        if known is None or not len(known.pair):
            return np.zeros(len(pairs), np.bool_)
        rows = np.minimum(np.searchsorted(known.pair, pairs), len(known.pair) - 1)
        age_ms = now_ms - known.at_ms[rows]
        had: Mask = (known.pair[rows] == pairs) & (age_ms > 0) & (age_ms <= self._hard_ttl_ms)
        return had
