import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cache.breaker import CircuitBreaker
from cache.embedded import EmbeddedValkey
from cache.errors import StoreUnavailable
from cache.keys import page_key, record_key
from cache.memory_store import MemoryStore
from cache.reader import CacheReader, Found
from cache.record import encode
from cache.redis_store import RedisStore
from cache.store import Store
from tests.cache.fake_clock import FakeClock
from tests.cache.pages import page_bytes_of, random_entries
from tests.cache.test_record import make_record

PAGE, RECORD = page_bytes_of(random_entries(5)), encode(make_record())


class HangingStore(MemoryStore):
    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        await asyncio.Event().wait()
        raise AssertionError


class DownStore(MemoryStore):
    asked = 0

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        self.asked += 1
        raise StoreUnavailable("down")


def reader_of(
    store: Store, space: str | None = "s", timeout_ms: float = 5000.0, failures: int = 3
) -> CacheReader:
    breaker = CircuitBreaker(failures=failures, open_s=10.0, clock=FakeClock())
    return CacheReader(store, space, timeout_ms, breaker)


async def stored(page: bytes = PAGE, record: bytes = RECORD) -> MemoryStore:
    store = MemoryStore()
    await store.put_many({page_key("u", "s"): page, record_key("u"): record}, None)
    return store


async def test_page_and_record_are_found() -> None:
    reader = reader_of(await stored())
    found = await reader.read("u")
    assert found.page is not None
    assert found.record is not None
    assert found.reason is None
    assert not reader.failures


async def test_unknown_user_is_no_failure() -> None:
    reader = reader_of(await stored())
    assert await reader.read("stranger") == Found(None, None, None)
    assert not reader.failures


async def test_without_a_space_only_the_record_is_read() -> None:
    found = await reader_of(await stored(), space=None).read("u")
    assert found.page is None
    assert found.record is not None


async def test_slow_store_reads_as_a_miss_in_time() -> None:
    reader = reader_of(HangingStore(), timeout_ms=1.0)
    assert await reader.read("u") == Found(None, None, "timeout")
    assert reader.failures == {"timeout": 1}


async def test_broken_store_is_soon_not_asked_any_more() -> None:
    store = DownStore()
    reader = reader_of(store, failures=3)
    reasons = [(await reader.read("u")).reason for _ in range(5)]
    assert reasons == ["unavailable"] * 3 + ["open_breaker"] * 2
    assert store.asked == 3
    assert reader.failures == {"unavailable": 3, "open_breaker": 2}


async def test_timeouts_open_the_breaker_too() -> None:
    reader = reader_of(HangingStore(), timeout_ms=1.0, failures=2)
    reasons = [(await reader.read("u")).reason for _ in range(3)]
    assert reasons == ["timeout", "timeout", "open_breaker"]


async def test_a_callers_own_hurry_is_a_miss_and_no_failure_of_the_server() -> None:
    reader = reader_of(HangingStore(), timeout_ms=60_000.0, failures=1)
    assert (await reader.read("u", left_ms=1.0)).reason == "timeout"
    assert (await reader.read("u", left_ms=-1.0)).reason == "timeout"


async def test_damaged_page_leaves_the_record_usable() -> None:
    reader = reader_of(await stored(page=PAGE[:-1]))
    found = await reader.read("u")
    assert found.page is None
    assert found.record is not None
    assert found.reason == "corrupt"
    assert reader.failures == {"corrupt": 1}


async def test_damaged_record_leaves_the_page_usable() -> None:
    found = await reader_of(await stored(record=b"rubbish")).read("u")
    assert found.page is not None
    assert found.record is None
    assert found.reason == "corrupt"


async def test_record_of_another_schema_is_not_used() -> None:
    breaker = CircuitBreaker()
    reader = CacheReader(await stored(), "s", 5000.0, breaker, fingerprint=1)
    found = await reader.read("u")
    assert (found.record, found.reason) == (None, "corrupt")


async def test_caller_that_leaves_is_not_kept() -> None:
    reading = asyncio.create_task(reader_of(HangingStore()).read("u"))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.redis
class TestOnValkey:
    @pytest.fixture
    async def store(self, redis_url: str) -> AsyncIterator[RedisStore]:
        store = RedisStore.open(redis_url)
        await store.put_many({page_key("u", "s"): PAGE, record_key("u"): RECORD}, None)
        yield store
        await store.close()

    async def test_a_read_is_one_round_trip(self, client: Redis, store: RedisStore) -> None:
        reader = reader_of(store)
        await reader.read("u")
        await client.config_resetstat()
        for _ in range(10):
            await reader.read("u")
        stats = await client.info("commandstats")
        calls = {name: used["calls"] for name, used in stats.items()}
        assert calls.pop("cmdstat_mget") == 10
        assert calls == {"cmdstat_config|resetstat": 1}

    async def test_frozen_server_reads_as_misses_and_answers_right_afterwards(
        self, valkey: EmbeddedValkey, store: RedisStore
    ) -> None:
        reader = reader_of(store, timeout_ms=20.0, failures=100)
        assert valkey.pid is not None
        os.kill(valkey.pid, signal.SIGSTOP)
        try:
            reasons = [(await reader.read("u")).reason for _ in range(6)]
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
        assert set(reasons) <= {"timeout", "unavailable"}
        patient = reader_of(store)
        for user, is_known in (("u", True), ("stranger", False)) * 6:
            found = await patient.read(user)
            assert found.reason is None
            assert (found.record is not None) == is_known

    async def test_restarted_server_is_read_again(self, tmp_path: Path) -> None:
        server = EmbeddedValkey(tmp_path / "data")
        store = RedisStore.open(server.url)
        reader = reader_of(store, failures=100)
        with server:
            assert (await reader.read("u")).reason is None
        assert (await reader.read("u")).reason == "unavailable"
        with server:
            assert (await reader.read("u")).reason is None
        await store.close()


async def test_closed_port_reads_as_unavailable() -> None:
    store = RedisStore.open("redis://127.0.0.1:1/0")
    assert (await reader_of(store).read("u")).reason == "unavailable"
    await store.close()


FRAGMENTS = (
    b"*2\r\n", b"$3\r\nabc\r\n", b"$-1\r\n", b":5\r\n", b"+OK\r\n", b"-ERR x\r\n",
    b"-MOVED 1 127.0.0.1:1\r\n", b"-LOADING\r\n", b"-WRONGPASS\r\n", b"-\xff\xff\r\n", b"%1\r\n",
    b"~1\r\n", b"_\r\n", b",1.5\r\n", b">2\r\n$7\r\nmessage\r\n$1\r\na\r\n", b"*-1\r\n",
    b"\xff\xfe\r\n", b"$99999999999\r\n", b"*99999999\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
async def test_server_that_talks_rubbish_reads_as_misses(seed: int) -> None:
    chance = random.Random(seed)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"".join(chance.choices(FRAGMENTS, k=chance.randint(1, 5))))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for _ in range(8):
        store = RedisStore.open(f"redis://127.0.0.1:{port}/0")
        found = await reader_of(store).read("u")
        assert (found.page, found.record) == (None, None)
        assert found.reason in {"unavailable", "corrupt"}
        await store.close()
    server.close()
    await server.wait_closed()
