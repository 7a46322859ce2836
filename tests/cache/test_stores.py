import asyncio

import pytest
from redis.asyncio import Redis

from cache.errors import UrlInvalid
from cache.memory_store import MemoryStore
from cache.null_store import NullStore
from cache.redis_store import RedisStore
from cache.store import Store
from tests.cache.fake_clock import FakeClock
from tests.contracts.store_contract import (
    ForgetfulContract,
    Pass,
    ServerStoreContract,
    StoreContract,
    versioned,
)


class TestNullStore(ForgetfulContract):
    @pytest.fixture
    def store(self) -> Store:
        return NullStore()


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def store(self, clock: FakeClock) -> Store:
        return MemoryStore(clock)

    @pytest.fixture
    def passes(self, clock: FakeClock) -> Pass:
        return clock.passes


@pytest.mark.redis
class TestRedisStore(ServerStoreContract):
    async def test_reading_is_one_command(self, client: Redis, store: Store) -> None:
        await store.put_many({b"a": b"1"}, None)
        await store.get_many([b"a"])
        await client.config_resetstat()
        await store.get_many([b"a", b"b", b"c"])
        stats = await client.info("commandstats")
        assert {name: used["calls"] for name, used in stats.items()} == {
            "cmdstat_mget": 1, "cmdstat_config|resetstat": 1,
        }  # fmt: skip

    async def test_value_of_another_type_is_replaced(self, client: Redis, store: Store) -> None:
        await client.lpush("k", "item")
        assert await store.get_many([b"k"]) == [None]
        assert await store.replace(b"k", versioned(1), expected_version=0, fence=0, ttl_s=None)
        assert await store.get_many([b"k"]) == [versioned(1)]

    async def test_every_write_carries_its_expiry(self, client: Redis, store: Store) -> None:
        await store.put_many({b"put": b"1"}, 60.0)
        await store.replace(b"set", versioned(1), expected_version=0, fence=0, ttl_s=60.0)
        for key in (b"put", b"set"):
            assert 0 < await client.pttl(key) <= 60_000


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://:secret@host", "redis://host:port"])
def test_address_of_no_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UrlInvalid, match="UNDERSTUDY_REDIS_URL") as refused:
        RedisStore.open(url)
    assert "secret" not in str(refused.value)


@pytest.mark.redis
async def test_waiters_share_few_connections(redis_url: str, client: Redis) -> None:
    store = RedisStore.open(redis_url, max_connections=2, wait_ms=5000)
    await asyncio.gather(*(store.get_many([b"k"]) for _ in range(50)))
    connected = await client.client_list()
    await store.close()
    assert len(connected) <= 3
