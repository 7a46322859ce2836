import asyncio
from collections.abc import AsyncIterator

import pytest

from cache.memory_streams import MemoryStreams
from cache.redis_streams import RedisStreams
from cache.streams import Streams
from tests.cache.fake_clock import FakeClock
from tests.contracts.store_contract import Pass
from tests.contracts.stream_contract import GROUP, STREAM, StreamContract, bodies


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
class TestRedisStreams(StreamContract):
    @pytest.fixture
    async def streams(self, redis_url: str) -> AsyncIterator[Streams]:
        streams = RedisStreams.open(redis_url)
        yield streams
        await streams.close()

    @pytest.fixture
    def passes(self) -> Pass:
        return asyncio.sleep

    async def test_waiting_reader_is_woken(self, streams: Streams) -> None:
        await streams.ensure_group(STREAM, GROUP)
        waiting = asyncio.create_task(streams.read_group(STREAM, GROUP, b"one", 10, 1000))
        tailing = asyncio.create_task(streams.read_after(STREAM, b"0-0", 10, 1000))
        await streams.append(STREAM, [b"1"], 100)
        assert bodies(await waiting) == bodies(await tailing) == [b"1"]
