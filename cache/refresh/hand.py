"""What a worker has read and not settled yet: a bounded number of pairs, most valuable first."""

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable
from heapq import heappop, heappush
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import F32
from cache.demand import Demand

SUSPECT_TRIES: Final = 2
"""A message begun so often and never settled may be what ends the workers."""


MAX_USERS: Final = 64
"""Of a batch: their pages travel in one round trip, and others wait behind it."""


class InHand(NamedTuple):
    """One message."""

    shard: int
    token: int  # of the lease under which it was read
    id: bytes
    body: bytes
    demand: Demand
    tries: int  # of workers that began with it before
    score: float  # the student's best of its pairs

    @property
    def pairs(self) -> int:
        return len(self.demand.item_keys)

    @property
    def is_suspect(self) -> bool:
        return self.tries >= SUSPECT_TRIES


def best_of(scores: F32) -> float:
    return float(np.max(scores, initial=-np.inf, where=np.isfinite(scores)))


class Hand:
    """Users leave by their highest score, each with all that is in hand of them.

    What was taken stays in hand until it is `done`. Suspects leave alone, when
    nothing else is left.
    """

    def __init__(self, max_pairs: int) -> None:
        self._max_pairs = max_pairs
        self._ids: set[tuple[int, bytes]] = set()
        self._by_user: dict[str, list[InHand]] = {}
        self._heap: list[tuple[float, str]] = []  # a user may be there several times
        self._suspects: deque[InHand] = deque()
        self.pairs = 0

    def __bool__(self) -> bool:
        return bool(self._by_user or self._suspects)

    def __contains__(self, message: tuple[int, bytes]) -> bool:
        """Token and id: what was read under an earlier lease is another's business."""
        return message in self._ids

    @property
    def room(self) -> int:
        """Pairs."""
        return self._max_pairs - self.pairs

    @property
    def is_half_empty(self) -> bool:
        return 2 * self.pairs <= self._max_pairs

    def fits(self, message: InHand) -> bool:
        """An empty hand takes any message."""
        return message.pairs <= self.room or not self.pairs

    def add(self, message: InHand) -> None:
        self._ids.add((message.token, message.id))
        self.pairs += message.pairs
        self._put(message)

    def take(self, pairs: int) -> list[InHand]:
        """Whole users, as many as together ask for that many; of one who asks for more, a part."""
        taken: list[InHand] = []
        size = users = 0
        while size < pairs and users < MAX_USERS and (user_id := self._first()) is not None:
            of_user = self._by_user.pop(user_id)
            if taken and size + _pairs_of(of_user) > pairs:
                self._by_user[user_id] = of_user
                break
            part, rest = _cut(of_user, pairs)
            if rest:
                self._by_user[user_id] = rest
            taken += part
            size, users = size + _pairs_of(part), users + 1
        if not taken and self._suspects:
            return [self._suspects.popleft()]
        return taken

    def done(self, messages: Iterable[InHand]) -> None:
        for message in messages:
            self._ids.discard((message.token, message.id))
            self.pairs -= message.pairs

    def keep(self, tokens: Collection[int]) -> None:
        """Lets go of what was read under other leases than these, unless it is taken."""
        waiting = [each for messages in self._by_user.values() for each in messages]
        waiting += self._suspects
        self._by_user, self._heap, self._suspects = {}, [], deque()
        self.done(message for message in waiting if message.token not in tokens)
        for message in waiting:
            if message.token in tokens:
                self._put(message)

    def _first(self) -> str | None:
        """The most valuable user; drops what the heap says of messages that are gone."""
        while self._heap:
            score, user_id = self._heap[0]
            messages = self._by_user.get(user_id)
            if messages and -score == max(message.score for message in messages):
                return user_id
            heappop(self._heap)
        return None

    def _put(self, message: InHand) -> None:
        if message.is_suspect:
            self._suspects.append(message)
            return
        user_id = message.demand.user_id
        self._by_user.setdefault(user_id, []).append(message)
        heappush(self._heap, (-message.score, user_id))


def _pairs_of(messages: Iterable[InHand]) -> int:
    return sum(message.pairs for message in messages)


def _cut(messages: list[InHand], pairs: int) -> tuple[list[InHand], list[InHand]]:
    """The best messages that together ask for so many pairs, and the rest."""
    if _pairs_of(messages) <= pairs:
        return messages, []
    messages.sort(key=lambda message: -message.score)
    ends = list(accumulate(message.pairs for message in messages))
    count = bisect_left(ends, pairs) + 1
    return messages[:count], messages[count:]
