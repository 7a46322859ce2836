from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.errors import MessageCorrupt
from cache.feed import ChangesMissed
from cache.item_means import MAX_ITEMS, ItemMeanFeed, ItemMeans, decode, encode
from cache.item_slices import Slices, slice_ms
from cache.items import FIELD
from cache.keys import item_means_stream, item_slices_table
from cache.memory_streams import MemoryStreams
from cache.memory_table import MemoryTable
from cache.table import Change
from cache.tiers import NEVER_MS, TtlPolicy
from tests.cache.pages import NOW_MS

DIM = 3
TTL = TtlPolicy(soft_s=60.0, hard_s=600.0)
WIDTH_MS = slice_ms(TTL.hard_s)
START_MS = NOW_MS // WIDTH_MS * WIDTH_MS


def some_means(keys: list[int], newest_ms: int = START_MS, dim: int = DIM) -> ItemMeans:
    z = np.random.default_rng(len(keys)).normal(size=(len(keys), dim)).astype(np.float16)
    return ItemMeans(np.array(keys, np.uint64), np.full(len(keys), newest_ms), z)


@given(st.lists(st.integers(0, (1 << 64) - 1), unique=True), st.integers(1, 8))
def test_decoded_message_is_what_was_encoded(keys: list[int], dim: int) -> None:
    means = some_means(keys, dim=dim)
    for got, given_ in zip(decode(encode(means)), means, strict=True):
        np.testing.assert_array_equal(got, given_)


@given(st.binary(max_size=40), st.integers(0, 59))
def test_damaged_message_is_told_apart(noise: bytes, cut: int) -> None:
    whole = encode(some_means([1, 2]))
    for data in (noise, whole[:cut], whole + noise[:5] + b"x"):
        with pytest.raises(MessageCorrupt):
            decode(data)


def test_too_many_items_are_refused() -> None:
    with pytest.raises(ValueError, match="1025 items"):
        encode(some_means([*range(MAX_ITEMS + 1)]))


class Space:
    def __init__(self) -> None:
        self.table, self.streams = MemoryTable(), MemoryStreams()
        self.feed = ItemMeanFeed(self.table, self.streams, "s", DIM, TTL)

    async def holds(self, key: int, *words: tuple[int, float]) -> None:
        """Each (at_ms, what all of z is)."""
        at_ms = np.array([at for at, _ in words])
        z = np.array([[value] * DIM for _, value in words], np.float32)
        value = Slices.of(np.zeros(len(words), np.int64), at_ms, z, WIDTH_MS).packed(1)[0]
        await self.table.change(item_slices_table("s"), [Change(FIELD.pack(key), None, value)])

    async def tells(self, *bodies: bytes) -> None:
        await self.streams.append(item_means_stream("s"), bodies, 100)

    async def begun(self) -> tuple[bytes, dict[int, Any]]:
        last_id = await self.feed.last_id()
        told: dict[int, Any] = {}
        async for part in self.feed.parts():
            told |= dict(
                zip(part.keys.tolist(), zip(part.newest_ms, part.z, strict=True), strict=True)
            )
        return last_id, told


async def test_table_gives_the_mean_of_its_live_slices() -> None:
    space = Space()
    await space.holds(1, (START_MS, 1.0), (START_MS - WIDTH_MS, 3.0))
    await space.holds(2, (START_MS - 7 * WIDTH_MS, 5.0))
    _, told = await space.begun()
    newest_ms, z = told[1]
    assert newest_ms == START_MS
    assert z.tolist() == [2.0] * DIM
    assert told[2][0] == NEVER_MS


async def test_last_word_on_each_item_is_followed() -> None:
    space = Space()
    await space.holds(1, (START_MS, 1.0))
    last_id, _ = await space.begun()
    newer = some_means([7], START_MS + 5)
    wide = encode(some_means([9], dim=5))
    await space.tells(encode(some_means([7, 8])), b"rubbish", wide, encode(newer))
    told, last_id = await space.feed.follow(last_id)
    assert told.keys.tolist() == [7, 8]
    np.testing.assert_array_equal(told.z[0], newer.z[0])
    assert (await space.feed.follow(last_id))[0].keys.tolist() == []


async def test_end_of_a_slice_sends_back_to_the_table() -> None:
    space = Space()
    await space.holds(1, (START_MS - 5 * WIDTH_MS, 1.0), (START_MS - 1, 3.0))
    last_id, told = await space.begun()
    assert told[1][1].tolist() == [2.0] * DIM
    await space.holds(2, (START_MS + WIDTH_MS, 1.0))
    await space.tells(encode(some_means([2], START_MS + WIDTH_MS)))
    with pytest.raises(ChangesMissed, match="a slice of 100 s"):
        await space.feed.follow(last_id)
    last_id, told = await space.begun()
    assert told[1][1].tolist() == [3.0] * DIM
    assert (await space.feed.follow(last_id))[0].keys.tolist() == []


async def test_empty_space_is_followed_without_an_end() -> None:
    space = Space()
    last_id, told = await space.begun()
    assert told == {}
    assert (await space.feed.follow(last_id))[0].keys.tolist() == []
