"""Counting items: the table changed by compare-and-set, the change told to everybody."""

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import Mask
from cache.errors import StoreUnavailable
from cache.items import FIELD, MAX_ITEMS, ItemCounters, encode, pack_value, unpack_values
from cache.keys import ITEMS_STREAM, ITEMS_TABLE
from cache.refresh.fold import Counted
from cache.streams import Streams
from cache.table import Change, Table
from models.features.counters import observed
from models.schema import LogSchema

STREAM_LIMIT: Final = 10_000

Waiting = dict[int, set[Counted]]
"""By item: what users count already, and the item does not yet."""


class Asked(NamedTuple):
    """A change of which no answer came: whoever finds the value knows that it was made."""

    value: bytes
    events: Set[Counted]


class ItemCounts:
    def __init__(self, table: Table, streams: Streams, schema: LogSchema) -> None:
        self._table = table
        self._streams = streams
        self._width = 1 + len(schema.tasks)
        self._half_life_ms = schema.counter_half_life_ms
        self._asked: dict[int, Asked] = {}
        self._untold: list[int] = []

    async def count(self, waiting: Waiting) -> None:
        """Items leave `waiting` as they are written. When this raises StoreUnavailable, call it
        again with what is left there: that is counted once, unless another ingest process changed
        the same item after a change of this one whose answer was lost."""
        await self._tell_again()
        while waiting:
            part = {key: waiting[key] for key in islice(waiting, MAX_ITEMS)}
            changed = await self._try(part)
            self._untold = changed.keys.tolist()
            for key in self._untold:
                del waiting[key]
            await self._tell(changed)
        self._asked.clear()

    async def _tell(self, changed: ItemCounters) -> None:
        if len(changed.keys):
            await self._streams.append(ITEMS_STREAM, [encode(changed)], STREAM_LIMIT)
        self._untold = []

    async def _tell_again(self) -> None:
        """What they are by now: another process may have changed them, and told of it, since."""
        if self._untold:
            fields = [FIELD.pack(key) for key in self._untold]
            held = await self._table.read(ITEMS_TABLE, fields)
            values = {field: value for field, value in zip(fields, held, strict=True) if value}
            await self._tell(unpack_values(values, self._width))

    async def _try(self, waiting: Mapping[int, Set[Counted]]) -> ItemCounters:
        """The items whose counters were written."""
        fields = [FIELD.pack(key) for key in waiting]
        held = await self._table.read(ITEMS_TABLE, fields)
        after = [
            self._after(value, self._left(key, value, waiting[key]))
            for key, value in zip(waiting, held, strict=True)
        ]
        changes = [
            Change(field, old, pack_value(at, np.array(counters)))
            for field, old, (counters, at) in zip(fields, held, after, strict=True)
        ]
        written = await self._changed(waiting, changes)
        return ItemCounters(
            np.fromiter(waiting, np.uint64, len(waiting))[written],
            np.array([counters for counters, _ in after]).reshape(-1, self._width)[written],
            np.array([at for _, at in after], np.int64)[written],
        )

    async def _changed(
        self, waiting: Mapping[int, Set[Counted]], changes: Sequence[Change]
    ) -> Mask:
        try:
            return np.array(await self._table.change(ITEMS_TABLE, changes), np.bool_)
        except StoreUnavailable:
            for (key, events), change in zip(waiting.items(), changes, strict=True):
                self._asked[key] = Asked(change.new, frozenset(events))
            raise

    def _left(self, key: int, held: bytes | None, events: Set[Counted]) -> Set[Counted]:
        """Without those that are in the value already."""
        asked = self._asked.get(key)
        return events - asked.events if asked is not None and asked.value == held else events

    def _after(self, held: bytes | None, events: Set[Counted]) -> tuple[list[float], int]:
        counters, at = [0.0] * self._width, 0
        if held is not None:
            unpacked = unpack_values({b"\0" * FIELD.size: held}, self._width)
            counters, at = unpacked.counters[0].tolist(), int(unpacked.counters_at[0])
        for event in in_time(events):
            counters, at = observed(
                counters, at, event.timestamp_ms, event.outcome, self._half_life_ms
            )
        return counters, at


def in_time(counted: Iterable[Counted]) -> list[Counted]:
    """Of two at the same time and alike in outcome either may be first: the counters are equal."""
    return sorted(counted, key=lambda event: (event.timestamp_ms, event.outcome))
