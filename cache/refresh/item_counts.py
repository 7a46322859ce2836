"""Counting items: the table changed by compare-and-set, the change told to everybody."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from cache.items import FIELD, ItemCounters, encode, pack_value, unpack_values
from cache.keys import ITEMS_STREAM, ITEMS_TABLE
from cache.refresh.fold import Counted
from cache.streams import Streams
from cache.table import Change, Table
from models.features.counters import observed
from models.schema import LogSchema

STREAM_LIMIT: Final = 10_000


class ItemCounts:
    def __init__(self, table: Table, streams: Streams, schema: LogSchema) -> None:
        self._table = table
        self._streams = streams
        self._width = 1 + len(schema.tasks)
        self._half_life_ms = schema.counter_half_life_ms

    async def count(self, counted: Sequence[Counted]) -> None:
        """In time order. Another ingest process may count the same items meanwhile."""
        waiting: dict[int, list[Counted]] = {}
        for event in counted:
            waiting.setdefault(event.item_key, []).append(event)
        while waiting:
            changed = await self._try(waiting)
            if len(changed.keys):
                await self._streams.append(ITEMS_STREAM, [encode(changed)], STREAM_LIMIT)
            waiting = {key: waiting[key] for key in waiting.keys() - set(changed.keys.tolist())}

    async def _try(self, waiting: Mapping[int, Sequence[Counted]]) -> ItemCounters:
        """The items whose counters were written."""
        fields = [FIELD.pack(key) for key in waiting]
        held = await self._table.read(ITEMS_TABLE, fields)
        after = [
            self._after(value, events) for value, events in zip(held, waiting.values(), strict=True)
        ]
        changes = [
            Change(field, old, pack_value(at, np.array(counters)))
            for field, old, (counters, at) in zip(fields, held, after, strict=True)
        ]
        written = np.array(await self._table.change(ITEMS_TABLE, changes), np.bool_)
        return ItemCounters(
            np.fromiter(waiting, np.uint64, len(waiting))[written],
            np.array([counters for counters, _ in after]).reshape(-1, self._width)[written],
            np.array([at for _, at in after], np.int64)[written],
        )

    def _after(self, held: bytes | None, events: Sequence[Counted]) -> tuple[list[float], int]:
        counters, at = [0.0] * self._width, 0
        if held is not None:
            unpacked = unpack_values({b"\0" * FIELD.size: held}, self._width)
            counters, at = unpacked.counters[0].tolist(), int(unpacked.counters_at[0])
        for event in events:
            counters, at = observed(
                counters, at, event.timestamp_ms, event.outcome, self._half_life_ms
            )
        return counters, at
