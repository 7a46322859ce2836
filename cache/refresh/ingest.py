"""Ingest: events in, user records and item counters out."""

from collections.abc import Mapping, Sequence
from typing import Final

from cache import events, record
from cache.errors import RecordCorrupt
from cache.events import IMPRESSION, Event
from cache.keys import record_key
from cache.record import UserRecord, empty_record
from cache.refresh.fold import Counted, Folded, folded, in_order
from cache.refresh.item_counts import ItemCounts
from cache.refresh.tally import Tally
from cache.stamp import stamp_of
from cache.store import Replacement, Store
from models.schema import LogSchema, categorical, numbers

ATTEMPTS: Final = 8


class Ingest:
    """Work for a Consumer of the events stream.

    An event reported again is counted once as long as its id is among the user's last 64. Items
    are counted after users: a crash between the two loses a batch's item counts, and never counts
    one twice.
    """

    def __init__(
        self,
        store: Store,
        items: ItemCounts,
        schema: LogSchema,
        tally: Tally,
        record_ttl_s: float | None = None,
        fence: int = 0,
    ) -> None:
        self._store = store
        self._items = items
        self._tasks = schema.tasks
        self._kinds = {IMPRESSION, *schema.tasks}
        self._half_life_ms = schema.counter_half_life_ms
        self._tally = tally
        self._record_ttl_s = record_ttl_s
        self._fence = fence
        self._stranger = empty_record(
            len(categorical(schema.user)),
            len(numbers(schema.user)),
            len(schema.tasks),
            schema.fingerprint(),
        )

    def decode(self, body: bytes) -> list[Event]:
        return events.decode(body)

    async def process(self, values: Sequence[list[Event]]) -> list[bool]:
        known = [[event for event in batch if event.kind in self._kinds] for batch in values]
        by_user = _by_user([event for batch in known for event in batch])
        counted, unwritten = await self._write(by_user)
        await self._items.count(in_time(counted))
        self._tally.add("events", "counted", len(counted))
        self._tally.add("events", "unknown_kind", sum(map(len, values)) - sum(map(len, known)))
        return [all(event.user_id not in unwritten for event in batch) for batch in known]

    async def _write(
        self, by_user: Mapping[str, Sequence[Event]]
    ) -> tuple[list[Counted], frozenset[str]]:
        """What was counted, and the users whose record somebody else kept changing."""
        counted: list[Counted] = []
        waiting = list(by_user)
        for _ in range(ATTEMPTS):
            results = await self._try({user: by_user[user] for user in waiting})
            for result in results.values():
                counted += result.counted
                self._tally.add("events", "duplicate", result.duplicates)
            waiting = [user for user in waiting if user not in results]
            self._tally.add("records", "written", len(results))
            self._tally.add("records", "conflict", len(waiting))
            if not waiting:
                break
        return counted, frozenset(waiting)

    async def _try(self, by_user: Mapping[str, Sequence[Event]]) -> dict[str, Folded]:
        """Of the users whose record was written."""
        keys = [record_key(user) for user in by_user]
        held = await self._store.get_many(keys)
        results, replacements = {}, []
        for user, key, value in zip(by_user, keys, held, strict=True):
            version = stamp_of(value).version
            result = folded(self._record(value), by_user[user], self._tasks, self._half_life_ms)
            results[user] = result
            after = result.record._replace(version=version + 1, fence=self._fence)
            replacements.append(Replacement(key, record.encode(after), version, self._fence))
        written = await self._store.replace_many(replacements, self._record_ttl_s)
        return {
            user: result
            for (user, result), is_written in zip(results.items(), written, strict=True)
            if is_written
        }

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


def in_time(counted: Sequence[Counted]) -> list[Counted]:
    return sorted(counted, key=lambda event: (event.timestamp_ms, event.outcome != 1))


def _by_user(batch: Sequence[Event]) -> dict[str, list[Event]]:
    by_user: dict[str, list[Event]] = {}
    for event in in_order(batch):
        by_user.setdefault(event.user_id, []).append(event)
    return by_user
