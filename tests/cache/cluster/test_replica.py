"""A server that a failover made a replica, behind an address that does not change."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cache.connection import connect
from cache.errors import StoreUnavailable
from cache.redis_store import RedisStore
from tests.cache.cluster.nodes import HOST, Server, free_ports

pytestmark = pytest.mark.redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    [port] = free_ports(1)
    server = Server(tmp_path / "server", port)
    yield server
    server.kill()


async def test_write_that_a_replica_refuses_goes_over_a_new_connection(server: Server) -> None:
    client: Any = connect(f"redis://{HOST}:{server.port}")
    store = RedisStore(client)
    await store.put_many({b"k": b"1"}, None)
    before = await client.client_id()
    server.call("REPLICAOF", HOST, 1)
    with pytest.raises(StoreUnavailable, match="ReadOnlyError"):
        await store.put_many({b"k": b"2"}, None)
    server.call("REPLICAOF", "NO", "ONE")
    await store.put_many({b"k": b"3"}, None)
    assert await client.client_id() != before
    assert await store.get_many([b"k"]) == [b"3"]
    await store.close()


async def test_read_that_a_replica_refuses_opens_the_line_anew(server: Server) -> None:
    store = RedisStore.open(f"redis://{HOST}:{server.port}")
    await store.put_many({b"k": b"1"}, None)
    await store.get_many([b"k"])
    server.call("CONFIG", "SET", "replica-serve-stale-data", "no")
    server.call("REPLICAOF", HOST, 1)
    accepted = _accepted(server)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="MASTERDOWN"):
            await store.get_many([b"k"])
    assert _accepted(server) >= accepted + 2
    server.call("REPLICAOF", "NO", "ONE")
    assert await store.get_many([b"k"]) == [b"1"]
    await store.close()


def _accepted(server: Server) -> int:
    stats = server.call("INFO", "stats").decode().splitlines()
    return int(next(line.partition(":")[2] for line in stats if "total_connections_r" in line))
