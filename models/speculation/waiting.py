"""Pairs that wait for the teacher, each once, most valuable for their cost first; bounded.

What waits is worth less and less, so it is enough to value anew what is on top: when it stays on
top, it is the best (lazy greedy, Minoux 1978).
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

import numpy as np

from models.features.records import F64, I64
from models.speculation.lots import EMPTY, Lot
from models.speculation.policy import Waits
from models.speculation.trace import Mask

Values = Callable[[Waits, int], F64]
JOINING: Final = 0.5
"""A pair joins a run when it is worth at least this share of the run's best."""
VALID_MS: Final = 5_000
VALID_SHARE: Final = 0.25
"""A value is taken as it was until the wait has grown by so much: what is to be expected of a user
changes with the logarithm of the time that they stayed away."""


class Waiting:
    """`overhead` is what a run costs beyond its pairs, in pairs: the user's side."""

    def __init__(self, *, limit: int, run_pairs: int, overhead: float, values: Values) -> None:
        self.worthless = 0  # pairs that left because they were worth nothing any more
        self._limit = limit
        self._run_pairs = run_pairs
        self._overhead = overhead
        self._values = values
        self._lots: dict[int, Lot] = {}
        self._heap: list[tuple[float, int, int]] = []  # −worth, user, version
        self._version: dict[int, tuple[int, int]] = {}  # the current one, until when it is valid
        self._versions = 0
        self._pairs = 0

    def __len__(self) -> int:
        return self._pairs

    def add(self, user: int, lot: Lot, now_ms: int) -> I64:
        """The pairs that did not wait yet."""
        before = self._lots.get(user, EMPTY)
        is_new = ~np.isin(lot.pair, before.pair, assume_unique=True)
        self._put(user, before.followed_by(lot), now_ms + VALID_MS)
        return lot.pair[is_new]

    def cut(self, now_ms: int) -> int:
        """How many had to leave: past the limit, all but the better half of it."""
        if self._pairs > self._limit:
            self._revalue_outdated(now_ms)
        if self._pairs <= self._limit:
            return 0
        before, lots = self._pairs, [*self._lots.items()]
        parts = np.split(self._better(lots), np.cumsum([len(lot.pair) for _, lot in lots])[:-1])
        for (user, lot), stays in zip(lots, parts, strict=True):
            if not stays.all():
                self._put(user, lot.taken(stays), self._version[user][1])
        return before - self._pairs

    def best(self, now_ms: int) -> float | None:
        """Worth, for what it costs, of the run that `take` would give."""
        while self._heap:
            worth, user, version = self._heap[0]
            current, until_ms = self._version.get(user, (0, 0))
            if current == version and until_ms >= now_ms:
                return -worth
            heappop(self._heap)
            if current == version:
                self._revalue(user, self._lots[user], now_ms)
        return None

    def take(self, most: int) -> tuple[int, Lot]:
        """The best run, once `best` has found one: at most so many pairs of one user."""
        _, user, _ = heappop(self._heap)
        lot = self._lots[user]
        rows = self._run(lot)[:most]
        stays = np.ones(len(lot.pair), np.bool_)
        stays[rows] = False
        self._put(user, lot.taken(stays), self._version[user][1])
        return user, lot.taken(np.sort(rows))

    def _better(self, lots: list[tuple[int, Lot]]) -> Mask:
        """Of all pairs, lot after lot; equally good ones stay by user, then pair."""
        user = np.repeat([user for user, _ in lots], [len(lot.pair) for _, lot in lots])
        pair = np.concatenate([lot.pair for _, lot in lots])
        value = np.concatenate([lot.value for _, lot in lots])
        best = np.lexsort((pair, user, -value))[: self._limit // 2]
        stays = np.zeros(len(pair), np.bool_)
        stays[best] = True
        return stays

    def _revalue_outdated(self, now_ms: int) -> None:
        for user, lot in [*self._lots.items()]:
            if self._version[user][1] < now_ms:
                self._revalue(user, lot, now_ms)

    def _revalue(self, user: int, lot: Lot, now_ms: int) -> None:
        value = self._values(Waits(user, lot.pair, lot.since_ms), now_ms)
        wanted = value > 0.0
        self.worthless += len(wanted) - int(wanted.sum())
        waited_ms = now_ms - int(lot.since_ms.max())
        until_ms = now_ms + VALID_MS + int(VALID_SHARE * waited_ms)
        self._put(user, lot._replace(value=value).taken(wanted), until_ms)

    def _run(self, lot: Lot) -> I64:
        order = np.lexsort((lot.pair, -lot.value))[: self._run_pairs]
        value = lot.value[order]
        return np.asarray(order[value >= JOINING * value[0]])

    def _worth(self, lot: Lot) -> float:
        value = lot.value[self._run(lot)]
        return float(value.sum()) / (len(value) + self._overhead)

    def _put(self, user: int, lot: Lot, until_ms: int) -> None:
        self._pairs += len(lot.pair) - len(self._lots.get(user, EMPTY).pair)
        if not len(lot.pair):
            self._lots.pop(user, None)
            self._version.pop(user, None)
            return
        self._versions += 1
        self._lots[user] = lot
        self._version[user] = self._versions, until_ms
        heappush(self._heap, (-self._worth(lot), user, self._versions))
        if len(self._heap) > 4 * len(self._lots) + 64:
            self._forget_outdated()

    def _forget_outdated(self) -> None:
        self._heap = [
            entry for entry in self._heap if self._version.get(entry[1], (0, 0))[0] == entry[2]
        ]
        heapify(self._heap)
