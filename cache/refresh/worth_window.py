"""Judged requests that wait for what their users do, until the attribution window is over."""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cache.arrays import Mask
from cache.events import IMPRESSION, Event
from cache.refresh.worth_judge import Judged
from cache.refresh.worth_sums import Rows


class Held(NamedTuple):
    judged: Judged
    places: dict[str, int]  # by item
    shown: Mask  # [n]
    label: Mask  # [n]

    def rows(self) -> Rows:
        """Those that were shown: nobody could click on the others."""
        judged, shown = self.judged, self.shown
        return Rows(
            self.label[shown],
            judged.with_hints[shown],
            judged.masked[shown],
            judged.teacher[shown],
            judged.tier[shown],
            judged.age_s[shown],
        )


class AttributionWindow:
    """At most `limit` requests. Times are those of requests and events, whatever clock they follow.

    An event goes to the request that it names, within `window_ms`. One that names none goes to the
    newest request of its user that returned its item: an impression within `shown_ms` of the
    request, a positive of the task within `window_ms`. An impression from a request that was not
    sampled may so be taken for one's own.
    """

    def __init__(self, task: str, window_ms: int, shown_ms: int, limit: int) -> None:
        self._reach_ms = {IMPRESSION: shown_ms, task: window_ms}
        self._window_ms = window_ms
        self._limit = limit
        self._by_user: defaultdict[str, list[Held]] = defaultdict(list)
        self._order: list[tuple[int, int, Held]] = []  # a heap by time
        self._taken = 0

    def __len__(self) -> int:
        return len(self._order)

    def hold(self, judged: Judged) -> bool:
        """False when there is no room."""
        if len(self._order) >= self._limit:
            return False
        count = len(judged.item_ids)
        places = {item: place for place, item in enumerate(judged.item_ids)}
        held = Held(judged, places, np.zeros(count, np.bool_), np.zeros(count, np.bool_))
        self._by_user[judged.user_id].append(held)
        heapq.heappush(self._order, (judged.at_ms, self._taken, held))
        self._taken += 1
        return True

    def happened(self, event: Event) -> bool:
        """Whether a request that is held is concerned."""
        reach_ms = self._reach_ms.get(event.kind)
        if reach_ms is None or event.user_id not in self._by_user:
            return False
        if event.request_id:
            reach_ms = self._window_ms
        concerned = [
            held
            for held in self._by_user[event.user_id]
            if event.item_id in held.places
            and 0 <= event.timestamp_ms - held.judged.at_ms <= reach_ms
            and event.request_id in ("", held.judged.request_id)
        ]
        if not concerned:
            return False
        held = max(concerned, key=lambda held: held.judged.at_ms)
        marked = held.shown if event.kind == IMPRESSION else held.label
        marked[held.places[event.item_id]] = True
        return True

    def settle(self, now_ms: int) -> Iterator[Held]:
        """Those whose window is over by then; they are let go."""
        while self._order and self._order[0][0] + self._window_ms < now_ms:
            held = heapq.heappop(self._order)[2]
            mine = self._by_user[held.judged.user_id]
            mine[:] = [each for each in mine if each is not held]
            if not mine:
                del self._by_user[held.judged.user_id]
            yield held

    def clear(self) -> int:
        """Lets go of all, without a result; how many there were."""
        count = len(self._order)
        self._order.clear()
        self._by_user.clear()
        return count
