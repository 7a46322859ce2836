"""A refresher's catalogue between two batches."""

from collections.abc import Sequence

import numpy as np
import pytest

from cache.catalogue_rows import CatalogueRows
from cache.items import ItemCounters, encode, pack_value
from cache.keys import CATALOGUE_STREAM, CATALOGUE_TABLE, ITEMS_STREAM, ITEMS_TABLE
from cache.memory_streams import MemoryStreams
from cache.memory_table import MemoryTable
from cache.refresh.follower import ItemFollower
from cache.refresh.item_layout import layout_of
from cache.refresh.teacher import Teacher
from cache.table import Change
from models.features.hashing import key64, keys64
from tests.bundles import NOW_MS, log_schema
from tests.cache.catalogue import message
from tests.cache.refresh.asked import make_wanted

LAYOUT = layout_of(log_schema())


class Store:
    """Table and stream as the writer of the catalogue leaves them."""

    def __init__(self, teacher: Teacher) -> None:
        self.table, self.streams = MemoryTable(), MemoryStreams()
        self.follower = ItemFollower.of(teacher.items, self.table, self.streams, log_schema())
        self._told = 0

    async def write(self, rows: CatalogueRows) -> None:
        fields = LAYOUT.encode(rows)
        held = await self.table.read(CATALOGUE_TABLE, [field for field, _ in fields])
        changes = [
            Change(field, old, value) for (field, value), old in zip(fields, held, strict=True)
        ]
        assert all(await self.table.change(CATALOGUE_TABLE, changes))
        body = message(fields, after=(0, self._told))
        self._told += 1
        await self.streams.append(CATALOGUE_STREAM, [body], max_length=2)


def ads(*item_ids: str, at: int = 10, price: float = 9.5) -> CatalogueRows:
    count = len(item_ids)
    at_ms = np.full(count, at, np.int64)
    columns = np.tile(keys64(["brand-3", "category-2"]), (count, 1))
    return CatalogueRows(
        keys64(item_ids), np.zeros(count, np.uint8), at_ms, at_ms, columns,
        np.full((count, 1), price, np.float32),
    )  # fmt: skip


def judged(teacher: Teacher, item_ids: Sequence[str]) -> list[float]:
    wanted = make_wanted()._replace(item_keys=keys64(item_ids))
    logits: list[float] = teacher.judge([wanted]).logit[:, 0].tolist()
    return logits


@pytest.fixture
def store(teacher: Teacher) -> Store:
    return Store(teacher)


@pytest.mark.parametrize("is_there_at_start", [True, False])
async def test_teacher_judges_a_new_ad_by_its_columns(
    teacher: Teacher, store: Store, is_there_at_start: bool
) -> None:
    stranger, other = judged(teacher, ["new-ad", "item-1"])
    if not is_there_at_start:
        await store.follower.catch_up()
    await store.write(ads("new-ad", "twin"))
    await store.follower.catch_up()
    new, twin, same = judged(teacher, ["new-ad", "twin", "item-1"])
    assert new != stranger
    assert new == twin
    assert same == other


async def test_changed_ad_is_judged_by_its_new_columns(teacher: Teacher, store: Store) -> None:
    await store.follower.catch_up()
    before = judged(teacher, ["item-1"])
    await store.write(ads("item-1"))
    await store.follower.catch_up()
    assert judged(teacher, ["item-1"]) != before


async def test_changes_that_the_stream_has_lost_come_from_the_table(
    teacher: Teacher, store: Store
) -> None:
    await store.follower.catch_up()
    for number in range(5):
        await store.write(ads(f"new-{number}"))
    await store.follower.catch_up()
    assert len(teacher.items.view.delta) == 5


async def test_new_ad_is_there_before_its_counters(teacher: Teacher, store: Store) -> None:
    await store.write(ads("new-ad"))
    field, counters = key64("new-ad").to_bytes(8, "little"), np.array([9.0, 2.0, 1.0])
    await store.table.change(ITEMS_TABLE, [Change(field, None, pack_value(NOW_MS, counters))])
    await store.follower.catch_up()
    view = teacher.items.view
    rows = view.rows(keys64(["new-ad"]))
    np.testing.assert_array_equal(view.counted(rows).counters[0], counters)
    later = ItemCounters(keys64(["new-ad"]), 2 * counters[None], np.array([NOW_MS + 1]))
    await store.streams.append(ITEMS_STREAM, [encode(later)], 10)
    await store.follower.catch_up()
    np.testing.assert_array_equal(view.counted(rows).counters[0], 2 * counters)
