"""One server, its replica, and sentinels that say which of the two is the master."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cache.connection import connect
from cache.errors import StoreUnavailable
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from tests.cache.cluster.nodes import HOST, Server, free_ports, wait_until

pytestmark = [pytest.mark.redis, pytest.mark.slow]

RECOVERED_S = 40.0


class Watched:
    def __init__(self, folder: Path) -> None:
        one, other, *asked = free_ports(4)
        self.master = Server(folder / "one", one)
        self.replica = Server(folder / "other", other, f"replicaof {HOST} {one}")
        self.sentinels = [
            Server(
                folder / f"sentinel-{port}", port,
                f"sentinel monitor ads {HOST} {one} 2",
                "sentinel down-after-milliseconds ads 1000",
                "sentinel failover-timeout ads 5000",
                is_sentinel=True,
            )
            for port in asked
        ]  # fmt: skip
        wait_until(self._is_ready, "replica and sentinels to know each other")

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/ads"

    def end(self) -> None:
        for server in (*self.sentinels, self.replica, self.master):
            server.kill()

    def _is_ready(self) -> bool:
        told = [_facts(sentinel) for sentinel in self.sentinels]
        return all(
            (facts[b"num-slaves"], facts[b"num-other-sentinels"]) == (b"1", b"1") for facts in told
        )


def _facts(sentinel: Server) -> dict[bytes, bytes]:
    flat = sentinel.call("SENTINEL", "MASTER", "ads")
    return dict(zip(flat[::2], flat[1::2], strict=True))


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    watched.end()


async def test_reads_and_writes_go_on_with_the_new_master(watched: Watched) -> None:
    store, streams = RedisStore.open(watched.url), RedisStreams.open(watched.url)
    await store.put_many({b"k": b"1"}, None)
    await streams.append(b"s", [b"1"], 10)
    wait_until(lambda: watched.replica.call("DBSIZE") == 2, "the replica to follow")
    assert await store.get_many([b"k"]) == [b"1"]
    watched.master.kill()
    until, misses = time.monotonic() + RECOVERED_S, 0
    while True:
        try:
            assert await store.get_many([b"k"]) == [b"1"]
            await store.put_many({b"k": b"1"}, None)
            await streams.append(b"s", [b"2"], 10)
            break
        except StoreUnavailable:
            misses += 1
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
    assert misses
    assert await streams.length(b"s") == 2
    assert watched.replica.call("GET", "k") == b"1"
    await store.close()
    await streams.close()


async def test_master_that_was_made_a_replica_is_left(watched: Watched) -> None:
    """As by SENTINEL FAILOVER: nobody dies."""
    store = RedisStore.open(watched.url)
    await store.put_many({b"k": b"1"}, None)
    watched.sentinels[0].call("SENTINEL", "FAILOVER", "ads")
    wait_until(lambda: watched.master.call("ROLE")[0] == b"slave", "the roles to change")
    until = time.monotonic() + RECOVERED_S
    while True:
        try:
            await store.put_many({b"k": b"2"}, None)
            break
        except StoreUnavailable:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
    assert await store.get_many([b"k"]) == [b"2"]
    assert watched.replica.call("GET", "k") == b"2"
    await store.close()


async def test_sentinels_that_are_away_are_a_miss_without_a_password_said() -> None:
    store = RedisStore.open("redis+sentinel://me:secret@127.0.0.1:1,127.0.0.1:2/ads/0"
                            "?sentinel_password=hidden")  # fmt: skip
    with pytest.raises(StoreUnavailable) as refused:
        await store.get_many([b"k"])
    assert "secret" not in str(refused.value)
    assert "hidden" not in str(refused.value)
    with pytest.raises(StoreUnavailable):
        await connect_and_write()
    await store.close()


async def connect_and_write() -> None:
    store = RedisStore(connect("redis+sentinel://127.0.0.1:1/ads"))
    try:
        await store.put_many({b"k": b"1"}, None)
    finally:
        await store.close()
