"""Pages of two spaces: side by side, and never read for one another."""

from cache.breaker import CircuitBreaker
from cache.demand_keys import ShardKeys
from cache.keys import page_key
from cache.memory_store import MemoryStore
from cache.reader import CacheReader, Found
from tests.cache.pages import page_bytes_of, random_entries


def reader_of(store: MemoryStore, space: str) -> CacheReader:
    return CacheReader(store, space, 5000.0, CircuitBreaker())


async def test_page_of_another_space_is_a_miss_and_no_failure() -> None:
    store = MemoryStore()
    await store.put_many({page_key("u", "old"): page_bytes_of(random_entries(5))}, None)
    reader = reader_of(store, "new")
    assert await reader.read("u") == Found(None, None, None)
    assert not reader.failures


async def test_a_switch_finds_its_own_page_beside_the_old_one() -> None:
    store = MemoryStore()
    sizes = {"old": 5, "new": 7}
    pages = {
        page_key("u", space): page_bytes_of(random_entries(size)) for space, size in sizes.items()
    }
    await store.put_many(pages, None)
    for space, size in sizes.items():
        found = (await reader_of(store, space).read("u")).page
        assert found is not None
        assert len(found.pair_keys) == size


def test_what_a_student_asks_for_goes_to_the_teacher_of_its_own_space() -> None:
    assert not set(ShardKeys.of("old", 0)) & set(ShardKeys.of("new", 0))
