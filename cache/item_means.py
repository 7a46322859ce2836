"""What a teacher has said of each item to whomever, on the mean: as gateways are told of it.
Format: docs/cache.md."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from struct import Struct
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from cache.arrays import I64, LE_I64, LE_U64, U64
from cache.errors import MessageCorrupt
from cache.feed import ChangesMissed
from cache.item_slices import Slices, means_of, slice_ms, window_ms
from cache.items import FIELD
from cache.keys import item_means_stream, item_slices_table
from cache.page import MAX_DIM
from cache.streams import Streams
from cache.table import Table
from cache.tiers import NEVER_MS, TtlPolicy

MAX_ITEMS: Final = 1024
MESSAGES_A_READ: Final = 8
_HEADER: Final = Struct("<2sBxIH6x")
_MAGIC: Final = b"UZ"
_HALF: Final = np.dtype("<f2")
_HALF_MAX: Final = 65504.0


class ItemMeans(NamedTuple):
    """Absolute values, so that applying one twice does no harm."""

    keys: U64  # [n] item keys
    newest_ms: I64  # [n] of the newest entry; NEVER_MS where none counts any more
    z: NDArray[np.float16]  # [n, d]

    @classmethod
    def of(cls, keys: U64, slices: Slices) -> Self:
        """Of all these items, of which `slices` has the positions."""
        found = means_of(slices)
        made = cls(
            keys,
            np.full(len(keys), NEVER_MS),
            np.zeros((len(keys), found.z.shape[1]), _HALF),
        )
        made.newest_ms[found.items] = found.newest_ms
        made.z[found.items] = found.z.clip(-_HALF_MAX, _HALF_MAX)
        return made

    def newest(self) -> int:
        return int(self.newest_ms.max(initial=NEVER_MS))

    def taken(self, rows: NDArray[Any]) -> Self:
        return type(self)(self.keys[rows], self.newest_ms[rows], self.z[rows])


def encode(means: ItemMeans) -> bytes:
    count, dim = means.z.shape
    if count > MAX_ITEMS or dim > MAX_DIM:
        raise ValueError(f"{count} items, dim {dim} exceed {MAX_ITEMS}, {MAX_DIM}")
    columns = (means.keys.astype(LE_U64), means.newest_ms.astype(LE_I64), means.z.astype(_HALF))
    return _HEADER.pack(_MAGIC, 1, count, dim) + b"".join(each.tobytes() for each in columns)


def decode(data: bytes) -> ItemMeans:
    """Raises MessageCorrupt."""
    if len(data) < _HEADER.size:
        raise MessageCorrupt(f"{len(data)} bytes are fewer than a message of item means has")
    magic, form, count, dim = _HEADER.unpack_from(data)
    if magic != _MAGIC or form != 1 or count > MAX_ITEMS or dim > MAX_DIM:
        raise MessageCorrupt(f"not item means of format 1: begins with {data[:4].hex()}")
    if len(data) != _HEADER.size + count * (16 + 2 * dim):
        raise MessageCorrupt(f"{len(data)} bytes are not means of {count} items, dim {dim}")
    at = _HEADER.size
    z = np.frombuffer(data, _HALF, count * dim, at + 16 * count)
    keys = np.frombuffer(data, LE_U64, count, at)
    return ItemMeans(keys, np.frombuffer(data, LE_I64, count, at + 8 * count), z.reshape(-1, dim))


class ItemMeanFeed:
    """A Feed of one space's item means.

    Time is what entries say, the newest heard of being now: so a log that is replayed has its own.
    When a slice of the window has ended the table is to be read again, for items that nothing was
    said of since.
    """

    def __init__(
        self, table: Table, streams: Streams, space: str, dim: int, ttl: TtlPolicy
    ) -> None:
        self._table, self._streams = table, streams
        self._key, self._stream = item_slices_table(space), item_means_stream(space)
        self._dim = dim
        self._window_ms = window_ms(ttl.hard_s)
        self._width_ms = slice_ms(ttl.hard_s)
        self._newest_ms = NEVER_MS
        self._slice: int | None = None

    async def last_id(self) -> bytes:
        return await self._streams.last_id(self._stream)

    async def parts(self) -> AsyncIterator[ItemMeans]:
        async for fields in self._table.scan(self._key):
            yield self._means(fields)
        self._slice = self._newest_ms // self._width_ms

    async def follow(
        self, last_id: bytes, *, count: int = MESSAGES_A_READ, block_ms: int = 1000
    ) -> tuple[ItemMeans, bytes]:
        """A damaged message, or one of another width, is passed over: the next word on its items
        brings their full value. Raises ChangesMissed."""
        messages = await self._streams.read_after(self._stream, last_id, count, block_ms)
        means = self._joined([message.body for message in messages])
        self._newest_ms = max(self._newest_ms, means.newest())
        if self._newest_ms // self._width_ms != self._slice:
            raise ChangesMissed(f"a slice of {self._width_ms / 1000:g} s has ended")
        return means, messages[-1].id if messages else last_id

    def _joined(self, bodies: Sequence[bytes]) -> ItemMeans:
        """The last of each item."""
        parts = [ItemMeans.of(np.zeros(0, np.uint64), Slices.unpacked([], self._dim))]
        for body in bodies:
            with suppress(MessageCorrupt):
                means = decode(body)
                parts += [means] if means.z.shape[1] == self._dim else []
        columns: Any = zip(*parts, strict=True)
        joined = ItemMeans(*map(np.concatenate, columns))
        _, from_end = np.unique(joined.keys[::-1], return_index=True)
        return joined.taken(len(joined.keys) - 1 - from_end)

    def _means(self, fields: Mapping[bytes, bytes]) -> ItemMeans:
        held = {field: value for field, value in fields.items() if len(field) == FIELD.size}
        slices = Slices.unpacked([*held.values()], self._dim)
        newest_ms = int(slices.rows["newest_ms"].max(initial=NEVER_MS))
        self._newest_ms = max(self._newest_ms, newest_ms)
        keys = np.frombuffer(b"".join(held), LE_U64)
        return ItemMeans.of(keys, slices.after(self._newest_ms - self._window_ms))
