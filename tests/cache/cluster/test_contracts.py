"""What one server's stores promise holds of a cluster."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.store import Store
from cache.streams import Streams
from cache.table import Table
from tests.cache.cluster.nodes import Cluster
from tests.contracts.store_contract import ServerStoreContract
from tests.contracts.stream_contract import ServerStreamContract
from tests.contracts.table_contract import TableContract

pytestmark = pytest.mark.redis


class TestStore(ServerStoreContract):
    async def test_keys_of_all_slots_come_back_in_the_order_asked(self, store: Store) -> None:
        values = {b"k%d" % number: b"%d" % number for number in range(1000)}
        await store.put_many(values, 60.0)
        asked = [*reversed(values), b"missing", b"k7"]
        assert await store.get_many(asked) == [values.get(key) for key in asked]

    async def test_a_users_read_is_one_command_to_one_node(
        self, cluster: Cluster, store: Store
    ) -> None:
        await store.get_many([b"us:u:{a}", b"us:p:{a}:s"])
        for server in cluster.servers:
            server.call("CONFIG", "RESETSTAT")
        await store.get_many([b"us:u:{a}", b"us:p:{a}:s"])
        told = [server.call("INFO", "commandstats").decode() for server in cluster.servers]
        assert sum("cmdstat_mget:calls=1," in stats for stats in told) == 1
        assert sum("cmdstat_mget" in stats for stats in told) == 1


class TestStreams(ServerStreamContract):
    @pytest.fixture
    async def streams(self, cluster_url: str) -> AsyncIterator[Streams]:
        streams = RedisStreams.open(cluster_url)
        yield streams
        await streams.close()


class TestTable(TableContract):
    @pytest.fixture
    def table(self, client: Redis) -> Table:
        return RedisTable(client)
