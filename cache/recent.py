"""Which pairs were demanded a moment ago, so that a returning user does not ask twice."""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cache.arrays import U64, Mask

MAX_USERS = 4096


class _Sent(NamedTuple):
    since: float
    pairs: U64


class RecentPairs:
    """Bounded by users; a user's window begins with the first pair and ends for all at once."""

    def __init__(self, window_s: float, clock: Callable[[], float]) -> None:
        self._window_s = window_s
        self._clock = clock
        self._sent: OrderedDict[str, _Sent] = OrderedDict()

    def unseen(self, user_id: str, pairs: U64) -> Mask:
        """`[K]`: not seen within the window. They count as seen from now on."""
        now = self._clock()
        sent = self._sent.get(user_id)
        if sent is None or now - sent.since >= self._window_s:
            self._remember(user_id, _Sent(now, pairs))
            return np.ones(len(pairs), np.bool_)
        is_new = ~np.isin(pairs, sent.pairs)
        self._sent[user_id] = _Sent(sent.since, np.concatenate([sent.pairs, pairs[is_new]]))
        return is_new

    def forget(self) -> None:
        self._sent.clear()

    def _remember(self, user_id: str, sent: _Sent) -> None:
        self._sent[user_id] = sent
        self._sent.move_to_end(user_id)
        if len(self._sent) > MAX_USERS:
            self._sent.popitem(last=False)
