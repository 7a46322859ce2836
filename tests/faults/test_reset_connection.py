"""The loop that a gateway runs on, and connections that end while they are being opened."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from cache.errors import StoreUnavailable
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from tests.faults.loop_thread import LoopThread
from tests.faults.proxy import Proxy

TIMES = 200


@pytest.fixture
def resetting(tmp_path: Path) -> Iterator[Proxy]:
    with LoopThread() as thread:
        proxy = Proxy(thread, tmp_path / "nobody")
        proxy.start()
        yield proxy
        proxy.stop()


def test_connection_that_is_reset_at_once_is_an_unavailable_store(resetting: Proxy) -> None:
    """uvloop has a RuntimeError of its own for a write to what was closed a moment ago."""

    async def tried() -> None:
        store, streams = RedisStore.open(resetting.url), RedisStreams.open(resetting.url)
        for _ in range(TIMES):
            with pytest.raises(StoreUnavailable):
                await store.get_many([b"a"])
            with pytest.raises(StoreUnavailable):
                await streams.append(b"s", [b"x"], 10)
        await store.close()
        await streams.close()

    uvloop.run(tried())
