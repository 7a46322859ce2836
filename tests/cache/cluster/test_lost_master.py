"""A master goes without a word: what it served is missed until its replica takes over."""

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from cache.keys import record_key
from cache.reader import CacheReader
from cache.record import encode
from cache.redis_store import RedisStore
from tests.cache.cluster.nodes import Cluster, Server, running_cluster, wait_until
from tests.cache.cluster.users import user_of
from tests.cache.refresh.asked import make_record

pytestmark = [pytest.mark.redis, pytest.mark.slow]

RECOVERED_S = 40.0


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.mark.parametrize("ends", [Server.kill, Server.freeze])
async def test_others_never_miss_and_its_own_come_back_without_a_restart(
    mortal: Cluster, ends: Callable[[Server], None]
) -> None:
    store = RedisStore.open(mortal.url)
    reader = CacheReader(store, None, 200.0, store.breaker(5, 0.2))
    masters = mortal.servers[:3]
    lost, *others = [user_of(mortal, server) for server in masters]
    await store.put_many({record_key(u): encode(make_record()) for u in (lost, *others)}, None)
    wait_until(lambda: all(s.call("DBSIZE") == 1 for s in mortal.servers), "the replicas")
    missed: list[str | None] = []

    async def reads(user: str) -> str | None:
        """The reason of a miss."""
        found = await reader.read(user)
        return found.reason if found.record is None else None

    assert [await reads(user) for user in (lost, *others)] == [None] * 3
    ends(masters[0])
    until = time.monotonic() + RECOVERED_S
    while not missed or missed[-1] is not None:
        assert time.monotonic() < until, set(missed)
        reasons = await asyncio.gather(*(reads(user) for user in (lost, *others)))
        missed.append(reasons[0])
        assert reasons[1:] == [None, None]
        await asyncio.sleep(0.02)
    assert set(missed) <= {"unavailable", "timeout", "open_breaker", None}
    assert [await reads(user) for user in (lost, *others)] == [None] * 3
    await store.close()
