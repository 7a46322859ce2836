"""Events → one user's record: counters, history and outcomes, each event once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cache.events import IMPRESSION, Event
from cache.record import MAX_EVENT_IDS, MAX_HISTORY, UserRecord
from models.features.counters import observed
from models.features.hashing import key64


class Counted(NamedTuple):
    """An event that was new, for the counters of its item."""

    item_key: int
    timestamp_ms: int
    outcome: int  # one bit, see models.features.records.History
    user_id: str  # with the next, what tells it from another that is alike
    event_key: int


class Folded(NamedTuple):
    record: UserRecord
    counted: list[Counted]
    duplicates: int


def in_order(events: Sequence[Event]) -> list[Event]:
    """By time, then impressions before what followed from them, then as they came."""
    return sorted(events, key=lambda event: (event.timestamp_ms, event.kind != IMPRESSION))


def outcome_bit(kind: str, tasks: Sequence[str]) -> int:
    """Raises ValueError for a kind that is no task."""
    return 1 if kind == IMPRESSION else 2 << tasks.index(kind)


def folded(
    record: UserRecord, events: Sequence[Event], tasks: Sequence[str], half_life_ms: float
) -> Folded:
    """`events` of this user, in order. One whose id is among the record's last ids is passed over.

    The same arithmetic in the same order as the offline replay: equal events give equal bits.
    """
    folding = _Folding(record)
    counted = []
    for event in events:
        if not folding.is_new(event_key := key64(event.event_id)):
            continue
        bit = outcome_bit(event.kind, tasks)
        item = key64(event.item_id)
        folding.count(event.timestamp_ms, bit, half_life_ms)
        if bit == 1:
            folding.show(item, event.timestamp_ms)
        else:
            folding.respond(item, bit)
        counted.append(Counted(item, event.timestamp_ms, bit, event.user_id, event_key))
    return Folded(folding.folded(), counted, len(events) - len(counted))


class _Folding:
    """A record's columns as lists, which are the faster ones to grow and search."""

    def __init__(self, record: UserRecord) -> None:
        self._record = record
        self._items = record.items.tolist()
        self._times_ms = record.times_ms.tolist()
        self._outcomes = record.outcomes.tolist()
        self._counters = record.counters.tolist()
        self._counters_at = record.counters_at
        self._event_ids = record.event_ids.tolist()
        self._known = set(self._event_ids)

    def is_new(self, event_id: int) -> bool:
        if event_id in self._known:
            return False
        self._known.add(event_id)
        self._event_ids.append(event_id)
        return True

    def count(self, timestamp_ms: int, bit: int, half_life_ms: float) -> None:
        self._counters, self._counters_at = observed(
            self._counters, self._counters_at, timestamp_ms, bit, half_life_ms
        )

    def show(self, item: int, timestamp_ms: int) -> None:
        """Mostly at the end; a late impression takes its place in time."""
        at = len(self._times_ms)
        while at and self._times_ms[at - 1] > timestamp_ms:
            at -= 1
        self._items.insert(at, item)
        self._times_ms.insert(at, timestamp_ms)
        self._outcomes.insert(at, 1)

    def respond(self, item: int, bit: int) -> None:
        """Marks the item's newest impression; without one, the counters alone know."""
        for at in range(len(self._items) - 1, -1, -1):
            if self._items[at] == item:
                self._outcomes[at] |= bit
                return

    def folded(self) -> UserRecord:
        return self._record._replace(
            counters=np.array(self._counters),
            counters_at=self._counters_at,
            items=np.array(self._items[-MAX_HISTORY:], np.uint64),
            times_ms=np.array(self._times_ms[-MAX_HISTORY:], np.int64),
            outcomes=np.array(self._outcomes[-MAX_HISTORY:], np.uint8),
            event_ids=np.array(self._event_ids[-MAX_EVENT_IDS:], np.uint64),
        )
