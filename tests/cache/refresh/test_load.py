import numpy as np

from cache import record
from cache.items import ItemFeed
from cache.keys import record_key
from cache.memory_store import MemoryStore
from cache.memory_streams import MemoryStreams
from cache.memory_table import MemoryTable
from cache.refresh.load import load_items, load_users
from tests.bundles import tiny_catalogue, tiny_users


def quiet(what: str, done: int, total: int) -> None:
    pass


async def test_loaded_user_reads_back_as_exported() -> None:
    store, users = MemoryStore(), tiny_users(1200)
    assert await load_users(users, store, None, quiet) == 1200
    for row in (0, 499, 500, 1199):
        [value] = await store.get_many([record_key(f"user-{row}")])
        assert value is not None
        held = record.decode(value)
        events = slice(users.history_offsets[row], users.history_offsets[row + 1])
        np.testing.assert_array_equal(held.columns, users.columns[row])
        np.testing.assert_array_equal(held.numbers, users.numbers[row])
        np.testing.assert_array_equal(held.counters, users.counters[row])
        np.testing.assert_array_equal(held.items, users.history_items[events])
        np.testing.assert_array_equal(held.outcomes, users.history_outcomes[events])
        assert held.fingerprint == users.schema.fingerprint()


async def test_user_who_is_known_already_is_kept() -> None:
    store, users = MemoryStore(), tiny_users(3)
    await load_users(users, store, None, quiet)
    before = await store.get_many([record_key("user-1")])
    assert await load_users(tiny_users(5, seed=9), store, None, quiet) == 2
    assert await store.get_many([record_key("user-1")]) == before


async def test_loaded_items_are_the_catalogues() -> None:
    table, catalogue = MemoryTable(), tiny_catalogue()
    catalogue.counters_at[5] = 0
    assert await load_items(catalogue, table, quiet) == len(catalogue) - 1
    assert await load_items(catalogue, table, quiet) == 0
    items = await ItemFeed(table, MemoryStreams(), width=3).snapshot()
    rows = catalogue.rows(items.keys)
    assert 5 not in rows
    np.testing.assert_array_equal(items.counters, catalogue.counters[rows])
    np.testing.assert_array_equal(items.counters_at, catalogue.counters_at[rows])


async def test_progress_reaches_the_total() -> None:
    said: list[tuple[str, int, int]] = []
    await load_users(tiny_users(600), MemoryStore(), 5.0, lambda *progress: said.append(progress))
    assert said == [("users", 500, 600), ("users", 600, 600)]
