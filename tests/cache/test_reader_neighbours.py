import pytest

from cache.breaker import CircuitBreaker
from cache.keys import neighbour_key, neighbour_name, neighbour_pattern, page_key, page_name
from cache.memory_store import MemoryStore
from cache.reader import CacheReader
from tests.cache.pages import page_bytes_of, random_entries

PAGE, LENT = page_bytes_of(random_entries(3)), page_bytes_of(random_entries(2))


async def reader_of(values: dict[bytes, bytes], reads_neighbours: bool = True) -> CacheReader:
    store = MemoryStore()
    await store.put_many(values, None)
    return CacheReader(store, "s", 100.0, CircuitBreaker(), reads_neighbours=reads_neighbours)


async def test_what_neighbours_lend_comes_with_the_page() -> None:
    reader = await reader_of({page_key("u", "s"): PAGE, neighbour_key("u", "s"): LENT})
    found = await reader.read("u")
    assert found.page is not None
    assert found.lent is not None
    assert (len(found.page.pair_keys), len(found.lent.pair_keys)) == (3, 2)
    assert found.reason is None


async def test_missing_value_is_a_miss_of_the_neighbours_alone() -> None:
    found = await (await reader_of({page_key("u", "s"): PAGE})).read("u")
    assert (found.page is not None, found.lent, found.reason) == (True, None, None)


@pytest.mark.parametrize("value", [b"", b"rubbish", LENT[:-1]])
async def test_damaged_value_is_a_miss_of_the_neighbours_alone(value: bytes) -> None:
    reader = await reader_of({page_key("u", "s"): PAGE, neighbour_key("u", "s"): value})
    found = await reader.read("u")
    assert (found.page is not None, found.lent, found.reason) == (True, None, "corrupt")
    assert reader.failures["corrupt"] == 1


async def test_damaged_page_leaves_what_neighbours_lend() -> None:
    reader = await reader_of({page_key("u", "s"): b"rubbish", neighbour_key("u", "s"): LENT})
    found = await reader.read("u")
    assert (found.page, found.lent is not None, found.reason) == (None, True, "corrupt")


class Asked(MemoryStore):
    keys: list[bytes]

    async def get_many(self, keys: object) -> list[bytes | None]:
        self.keys = list(keys)  # type: ignore[call-overload]
        return [None] * len(self.keys)


@pytest.mark.parametrize(("is_on", "count"), [(False, 2), (True, 3)])
async def test_second_key_is_read_only_when_the_tier_is_on(is_on: bool, count: int) -> None:
    store = Asked()
    await CacheReader(store, "s", 100.0, CircuitBreaker(), reads_neighbours=is_on).read("u")
    assert len(store.keys) == count
    assert len({key.split(b"{")[1].split(b"}")[0] for key in store.keys}) == 1


@pytest.mark.parametrize("user", ["u", "a:b", "{c}", "x}:y", "ü"])
@pytest.mark.parametrize("space", ["s", "}:s", "a b"])
def test_name_is_told_from_the_key(user: str, space: str) -> None:
    key = neighbour_key(user, space)
    assert neighbour_name(key) == (user, space)
    assert page_name(key) is None
    assert neighbour_name(page_key(user, space)) is None
    assert neighbour_pattern(user, space).startswith(b"us:n:{")
