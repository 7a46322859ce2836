"""Which pairs were demanded a moment ago, so that a returning user does not ask twice."""

from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from cache.arrays import U64, Mask

MAX_USERS = 4096
MAX_PAIRS = 8192
"""Of a user; the newest are remembered."""


class _Sent(NamedTuple):
    since_s: float
    pairs: U64


class RecentPairs:
    """Bounded by users; a user's window begins with the first pair and ends for all at once.

    Times are the caller's seconds, of any clock.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._sent: OrderedDict[str, _Sent] = OrderedDict()

    def seen(self, user_id: str, pairs: U64, now_s: float) -> Mask:
        """`[K]`: remembered within the window."""
        sent = self._open(user_id, now_s)
        return np.isin(pairs, sent.pairs) if sent else np.zeros(len(pairs), np.bool_)

    def remember(self, user_id: str, pairs: U64, now_s: float) -> None:
        """Pairs that are not remembered yet."""
        sent = self._open(user_id, now_s)
        if sent is not None:
            every = np.concatenate([sent.pairs, pairs])
            self._sent[user_id] = _Sent(sent.since_s, every[-MAX_PAIRS:])
            return
        self._sent[user_id] = _Sent(now_s, pairs)
        self._sent.move_to_end(user_id)
        if len(self._sent) > MAX_USERS:
            self._sent.popitem(last=False)

    def forget(self) -> None:
        self._sent.clear()

    def _open(self, user_id: str, now_s: float) -> _Sent | None:
        sent = self._sent.get(user_id)
        return sent if sent is not None and now_s - sent.since_s < self._window_s else None
