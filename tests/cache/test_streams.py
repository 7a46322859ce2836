from collections.abc import AsyncIterator

import pytest

from cache.memory_streams import MemoryStreams
from cache.redis_streams import RedisStreams
from cache.streams import Streams
from tests.cache.fake_clock import FakeClock
from tests.contracts.store_contract import Pass
from tests.contracts.stream_contract import ServerStreamContract, StreamContract


class TestMemoryStreams(StreamContract):
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def streams(self, clock: FakeClock) -> Streams:
        return MemoryStreams(clock)

    @pytest.fixture
    def passes(self, clock: FakeClock) -> Pass:
        return clock.passes


@pytest.mark.redis
class TestRedisStreams(ServerStreamContract):
    @pytest.fixture
    async def streams(self, redis_url: str) -> AsyncIterator[Streams]:
        streams = RedisStreams.open(redis_url)
        yield streams
        await streams.close()
