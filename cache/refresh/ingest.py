"""Ingest: events in, user records and item counters out."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from cache import events, record
from cache.errors import RecordCorrupt, StoreUnavailable
from cache.events import IMPRESSION, Event
from cache.keys import record_key
from cache.record import UserRecord, empty_record
from cache.refresh.fold import Folded, folded, in_order
from cache.refresh.item_counts import ItemCounts, Waiting
from cache.refresh.tally import Tally
from cache.stamp import stamp_of
from cache.store import Replacement, Store
from models.schema import LogSchema, categorical, numbers

ATTEMPTS: Final = 8
OWN_S: Final = 30.0


class Asked(NamedTuple):
    """A record's replacement of which no answer came: who finds the value knows that it is in."""

    value: bytes
    folded: Folded


class Ingest:
    """Work for a Consumer of the events stream.

    An event reported again is counted once as long as its id is among the user's last 64. Items
    are counted after users; while the store is away this process keeps what they lack, of one
    batch at most. A crash between the two loses it.
    """

    def __init__(
        self,
        store: Store,
        items: ItemCounts,
        schema: LogSchema,
        tally: Tally,
        record_ttl_s: float | None = None,
        fence: int = 0,
        own_s: float = OWN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`own_s`: how long a batch is this process's, before others of the group may claim it."""
        self._store = store
        self._items = items
        self._tasks = schema.tasks
        self._kinds = {IMPRESSION, *schema.tasks}
        self._half_life_ms = schema.counter_half_life_ms
        self._tally = tally
        self._record_ttl_s = record_ttl_s
        self._fence = fence
        self._own_s = own_s
        self._clock = clock
        self._began_s: float | None = None
        """When it was given its batch, which comes again when the store was away."""
        self._uncounted: Waiting = {}
        self._asked: dict[str, Asked] = {}
        self._own: Counter[str] = Counter()
        """By user: events of a batch that is not done yet, which come again."""
        self._stranger = empty_record(
            len(categorical(schema.user)),
            len(numbers(schema.user)),
            len(schema.tasks),
            schema.fingerprint(),
        )

    def decode(self, body: bytes) -> list[Event]:
        return events.decode(body)

    async def process(self, values: Sequence[list[Event]]) -> list[bool]:
        if self._began_s is None:
            self._began_s = self._clock()
        known = [[event for event in batch if event.kind in self._kinds] for batch in values]
        unwritten = await self._write(_by_user([event for batch in known for event in batch]))
        await self._items.count(self._uncounted)
        self._asked.clear()
        self._own.clear()
        self._began_s = None
        self._tally.add("events", "unknown_kind", sum(map(len, values)) - sum(map(len, known)))
        return [all(event.user_id not in unwritten for event in batch) for batch in known]

    async def _write(self, by_user: Mapping[str, Sequence[Event]]) -> frozenset[str]:
        """Users whose record somebody else kept changing."""
        waiting = list(by_user)
        for _ in range(ATTEMPTS):
            results = await self._try({user: by_user[user] for user in waiting})
            for user, result in results.items():
                self._tally.add("events", "duplicate", max(result.duplicates - self._own[user], 0))
                self._is_in(user, result)
            waiting = [user for user in waiting if user not in results]
            self._tally.add("records", "written", len(results))
            self._tally.add("records", "conflict", len(waiting))
            if not waiting:
                break
        return frozenset(waiting)

    async def _try(self, by_user: Mapping[str, Sequence[Event]]) -> dict[str, Folded]:
        """Of the users whose record was written."""
        keys = [record_key(user) for user in by_user]
        held = await self._store.get_many(keys)
        results, replacements = {}, []
        for user, key, value in zip(by_user, keys, held, strict=True):
            self._find(user, value)
            version = stamp_of(value).version
            result = folded(self._record(value), by_user[user], self._tasks, self._half_life_ms)
            results[user] = result
            after = result.record._replace(version=version + 1, fence=self._fence)
            replacements.append(Replacement(key, record.encode(after), version, self._fence))
        written = await self._replaced(results, replacements)
        return {
            user: result
            for (user, result), is_written in zip(results.items(), written, strict=True)
            if is_written
        }

    async def _replaced(
        self, results: Mapping[str, Folded], replacements: Sequence[Replacement]
    ) -> list[bool]:
        try:
            return await self._store.replace_many(replacements, self._record_ttl_s)
        except StoreUnavailable:
            for (user, result), replacement in zip(results.items(), replacements, strict=True):
                self._asked[user] = Asked(replacement.value, result)
            raise

    def _find(self, user: str, held: bytes | None) -> None:
        """Whether it is what was asked for in vain. Once others may have claimed the batch it may
        be theirs, alike to the byte, and so are its items."""
        asked = self._asked.get(user)
        is_own = self._began_s is None or self._clock() - self._began_s < self._own_s
        if asked is not None and asked.value == held and is_own:
            self._is_in(user, asked.folded)

    def _is_in(self, user: str, result: Folded) -> None:
        """Its record holds these events; their items are to be counted."""
        self._asked.pop(user, None)
        for event in result.counted:
            self._uncounted.setdefault(event.item_key, set()).add(event)
        self._own[user] += len(result.counted)
        self._tally.add("events", "counted", len(result.counted))

    def _record(self, value: bytes | None) -> UserRecord:
        """A damaged record, or one of another log schema, begins anew."""
        if value is None:
            return self._stranger
        try:
            held = record.decode(value)
        except RecordCorrupt:
            self._tally.add("records", "corrupt", 1)
            return self._stranger
        return held if held.fingerprint == self._stranger.fingerprint else self._stranger


def _by_user(batch: Sequence[Event]) -> dict[str, list[Event]]:
    by_user: dict[str, list[Event]] = {}
    for event in in_order(batch):
        by_user.setdefault(event.user_id, []).append(event)
    return by_user
