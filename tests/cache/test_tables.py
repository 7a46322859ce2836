import pytest
from redis.asyncio import Redis

from cache.memory_table import MemoryTable
from cache.redis_table import RedisTable
from cache.table import Table
from tests.contracts.table_contract import TableContract


class TestMemoryTable(TableContract):
    @pytest.fixture
    def table(self) -> Table:
        return MemoryTable()


@pytest.mark.redis
class TestRedisTable(TableContract):
    @pytest.fixture
    def table(self, client: Redis) -> Table:
        return RedisTable(client)
