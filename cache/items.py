"""Live counters of items: the table that ingest writes, and the stream that everybody tails."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from struct import Struct
from typing import Any, Final, NamedTuple, Self

import numpy as np

from cache.arrays import F64, I64, U64
from cache.errors import MessageCorrupt
from cache.keys import ITEMS_STREAM, ITEMS_TABLE
from cache.streams import Streams
from cache.table import Table

MAX_ITEMS: Final = 65_536
MAX_WIDTH: Final = 5
FIELD: Final = Struct("<Q")
_TIME: Final = Struct("<q")

_HEADER: Final = Struct("<2sBBI")
_MAGIC: Final = b"UI"


class ItemCounters(NamedTuple):
    """Absolute values, so that applying one twice, or an old one first, does no harm.

    Satisfies models.features.counted.ItemCounts.
    """

    keys: U64  # [n] unique
    counters: F64  # [n, 1 + T]
    counters_at: I64  # [n] ms

    @classmethod
    def none(cls, width: int) -> Self:
        return cls(np.zeros(0, np.uint64), np.zeros((0, width)), np.zeros(0, np.int64))


def encode(items: ItemCounters) -> bytes:
    count, width = items.counters.shape
    if count > MAX_ITEMS or width > MAX_WIDTH:
        raise ValueError(f"{count} items of {width} counters exceed {MAX_ITEMS}, {MAX_WIDTH}")
    columns = (
        items.keys.astype("<u8"), items.counters_at.astype("<i8"), items.counters.astype("<f8")
    )  # fmt: skip
    header = _HEADER.pack(_MAGIC, 1, width, count)
    return header + b"".join(column.tobytes() for column in columns)


def decode(data: bytes) -> ItemCounters:
    """Raises MessageCorrupt."""
    if len(data) < _HEADER.size:
        raise MessageCorrupt(f"{len(data)} bytes are fewer than an item message's header")
    magic, form, width, count = _HEADER.unpack_from(data)
    if magic != _MAGIC or form != 1 or width > MAX_WIDTH or count > MAX_ITEMS:
        raise MessageCorrupt(f"not an item message of format 1: begins with {data[:4].hex()}")
    if len(data) != _HEADER.size + count * 8 * (2 + width):
        raise MessageCorrupt(f"{len(data)} bytes are not {count} items of {width} counters")
    at = _HEADER.size
    return ItemCounters(
        np.frombuffer(data, "<u8", count, at),
        counters_at=np.frombuffer(data, "<i8", count, at := at + 8 * count),
        counters=np.frombuffer(data, "<f8", count * width, at + 8 * count).reshape(count, width),
    )


def pack_value(counters_at: int, counters: F64) -> bytes:
    """One field of the table: time, then counters."""
    return _TIME.pack(counters_at) + counters.astype("<f8").tobytes()


def unpack_values(fields: Mapping[bytes, bytes], width: int) -> ItemCounters:
    """Raises MessageCorrupt when a field was written for another number of tasks."""
    if any(len(field) != 8 or len(value) != 8 + 8 * width for field, value in fields.items()):
        raise MessageCorrupt(
            f"{ITEMS_TABLE.decode()} holds counters of other tasks than the {width - 1} expected: "
            "delete it and load the catalogue again"
        )
    values = b"".join(fields.values())
    numbers = np.frombuffer(values, "<f8").reshape(len(fields), 1 + width)
    at = np.frombuffer(values, "<i8").reshape(len(fields), 1 + width)[:, 0]
    keys = np.frombuffer(b"".join(fields), "<u8")
    return ItemCounters(keys, numbers[:, 1:], at)


class ItemFeed:
    """A Feed of item counters; `width` is 1 + the number of tasks."""

    def __init__(self, table: Table, streams: Streams, width: int) -> None:
        self._table = table
        self._streams = streams
        self._width = width

    async def last_id(self) -> bytes:
        return await self._streams.last_id(ITEMS_STREAM)

    async def parts(self) -> AsyncIterator[ItemCounters]:
        async for fields in self._table.scan(ITEMS_TABLE):
            if fields:
                yield unpack_values(fields, self._width)

    async def snapshot(self) -> ItemCounters:
        """All parts as one, one row an item."""
        return _newest([part async for part in self.parts()], self._width)

    async def follow(
        self, last_id: bytes, *, count: int = 64, block_ms: int = 1000
    ) -> tuple[ItemCounters, bytes]:
        """One row an item. A damaged message is passed over: the next change of its items brings
        their full value."""
        messages = await self._streams.read_after(ITEMS_STREAM, last_id, count, block_ms)
        parts = []
        for message in messages:
            with suppress(MessageCorrupt):
                parts.append(decode(message.body))
        return _newest(parts, self._width), messages[-1].id if messages else last_id


def _newest(parts: list[ItemCounters], width: int) -> ItemCounters:
    if any(part.counters.shape[1] != width for part in parts):
        raise MessageCorrupt(f"item counters of other tasks than the {width - 1} expected")
    columns: Any = zip(*parts, ItemCounters.none(width), strict=True)
    joined = ItemCounters(*map(np.concatenate, columns))
    order = np.lexsort((joined.counters_at, joined.keys))
    keys = joined.keys[order]
    is_last = np.ones(len(keys), np.bool_)
    is_last[:-1] = keys[1:] != keys[:-1]
    newest = order[is_last]
    return ItemCounters(joined.keys[newest], joined.counters[newest], joined.counters_at[newest])
