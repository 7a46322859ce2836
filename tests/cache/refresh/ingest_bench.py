"""Ingest over a store, a table and streams in memory."""

import time
from collections.abc import Callable

from cache import record
from cache.events import Event
from cache.items import FIELD, unpack_values
from cache.keys import ITEMS_TABLE, record_key
from cache.memory_store import MemoryStore
from cache.memory_streams import MemoryStreams
from cache.memory_table import MemoryTable
from cache.record import UserRecord
from cache.refresh.ingest import Ingest
from cache.refresh.item_counts import ItemCounts
from cache.refresh.tally import Tally
from models.features.hashing import key64
from tests.bundles import NOW_MS, log_schema

SCHEMA = log_schema()


class Bench:
    def __init__(
        self,
        store: MemoryStore | None = None,
        table: MemoryTable | None = None,
        streams: MemoryStreams | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store or MemoryStore()
        self.table = table or MemoryTable()
        self.streams = streams or MemoryStreams()
        self.tally = Tally("ingest")
        items = ItemCounts(self.table, self.streams, SCHEMA)
        self.ingest = Ingest(self.store, items, SCHEMA, self.tally, clock=clock)

    async def record(self, user_id: str) -> UserRecord:
        [value] = await self.store.get_many([record_key(user_id)])
        assert value is not None
        return record.decode(value)

    async def item(self, item_id: str) -> tuple[list[float], int]:
        [value] = await self.table.read(ITEMS_TABLE, [FIELD.pack(key64(item_id))])
        assert value is not None
        items = unpack_values({FIELD.pack(1): value}, 3)
        return items.counters[0].tolist(), int(items.counters_at[0])


def event(kind: str, user: int, item: int, at: int) -> Event:
    return Event(f"{kind}-{user}-{item}-{at}", kind, f"user-{user}", f"item-{item}", NOW_MS + at)
