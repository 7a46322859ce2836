"""What a refresher says of items, summed in memory and written behind its back.

A hint and not an account: what is held when the process is killed, or when the store is away, is
lost and nobody misses it but the mean.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import F32, U64, Mask
from cache.errors import StoreUnavailable
from cache.item_means import MAX_ITEMS, ItemMeans, encode
from cache.item_slices import Slices, slice_ms, window_ms
from cache.items import FIELD
from cache.keys import item_means_stream, item_slices_table
from cache.refresh.process import at_most
from cache.refresh.tally import Tally
from cache.streams import Streams
from cache.table import Change, Table
from cache.tiers import TtlPolicy

ATTEMPTS: Final = 5
MAX_ENTRIES: Final = 65_536
"""Held; more are left out until the next write."""
STREAM_LIMIT: Final = 500
FLUSH_S: Final = 2.0


class ItemWords(NamedTuple):
    """What the teacher said of items for one user, as of one instant."""

    user_id: str
    item_keys: U64  # [n]
    at_ms: int
    z: F32  # [n, d] finite


class ItemSums:
    def __init__(
        self, table: Table, streams: Streams, space: str, ttl: TtlPolicy, tally: Tally
    ) -> None:
        self._table, self._streams = table, streams
        self._key, self._stream = item_slices_table(space), item_means_stream(space)
        self._window_ms = window_ms(ttl.hard_s)
        self._width_ms = slice_ms(ttl.hard_s)
        self._tally = tally
        self._held: list[ItemWords] = []
        self._room = MAX_ENTRIES

    def add(self, words: Sequence[ItemWords]) -> None:
        for each in words:
            count = len(each.item_keys)
            if count <= self._room:
                self._held.append(each)
                self._room -= count
            else:
                self._tally.add("item_entries", "refused", count)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, with what is held then written too."""
        while not stop.is_set():
            await at_most(FLUSH_S, stop)
            await self.flush()
        await self.flush()

    async def flush(self) -> None:
        if not self._held:
            return
        held, self._held, self._room = self._held, [], MAX_ENTRIES
        keys = np.concatenate([each.item_keys for each in held])
        at_ms = np.array([each.at_ms for each in held]).repeat([len(e.item_keys) for e in held])
        items, item = np.unique(keys, return_inverse=True)
        z = np.concatenate([each.z for each in held])
        fresh = Slices.of(item, at_ms, z, self._width_ms)
        since_ms = int(at_ms.max()) - self._window_ms
        for first in range(0, len(items), MAX_ITEMS):
            part = np.arange(first, min(first + MAX_ITEMS, len(items)))
            await self._write(items[part], fresh.only(part), since_ms)

    async def _write(self, items: U64, fresh: Slices, since_ms: int) -> None:
        """Another refresher may write the same items meanwhile."""
        with suppress(StoreUnavailable):
            for _ in range(ATTEMPTS):
                written = await self._try(items, fresh, since_ms)
                self._tally.add("items", "written", int(written.sum()))
                left = np.flatnonzero(~written)
                items, fresh = items[left], fresh.only(left)
                if not len(items):
                    return
        self._tally.add("items", "lost", len(items))

    async def _try(self, items: U64, fresh: Slices, since_ms: int) -> Mask:
        fields = [FIELD.pack(key) for key in items.tolist()]
        held = await self._table.read(self._key, fields)
        dim = fresh.rows["sum"].shape[1]
        total = Slices.unpacked(held, dim).merged(fresh).after(since_ms)
        changes = list(map(Change, fields, held, total.packed(len(items))))
        written = np.array(await self._table.change(self._key, changes), np.bool_)
        means = ItemMeans.of(items, total).taken(written)
        if len(means.keys):
            await self._streams.append(self._stream, [encode(means)], STREAM_LIMIT)
        return written
