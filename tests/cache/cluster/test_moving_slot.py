"""A slot goes to another node, key by key, while its users are read and written."""

import asyncio
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from cache.keys import page_key, record_key
from cache.redis_store import RedisStore
from tests.cache.cluster.nodes import Cluster, Server, wait_until
from tests.cache.cluster.users import slot_of, users_of_slot

pytestmark = pytest.mark.redis

SLOT = slot_of("u0")


class Read:
    """Users of one slot: with both values, with a record alone, and unknown."""

    def __init__(self, store: RedisStore) -> None:
        self.store = store
        self.users = users_of_slot(SLOT, 6)
        self.held = {key: key for user in self.users[:4] for key in keys_of(user)}
        self.held[record_key(self.users[4])] = b"record"
        self.rounds = 0

    async def all(self) -> None:
        """Raises StoreUnavailable when one fails."""
        for user in self.users:
            keys = keys_of(user)
            assert await self.store.get_many(keys) == [self.held.get(key) for key in keys]
        self.rounds += 1


def keys_of(user: str) -> list[bytes]:
    return [record_key(user), page_key(user, "s")]


def other_master(cluster: Cluster) -> Server:
    return next(s for s in cluster.servers[:3] if s is not cluster.master_of(SLOT))


async def test_no_read_fails_at_any_step_of_a_move(cluster: Cluster, cluster_url: str) -> None:
    read = Read(RedisStore.open(cluster_url))
    await read.store.put_many(read.held, None)
    home, away = cluster.master_of(SLOT), other_master(cluster)
    for to in (away, home):
        for _ in cluster.migrate(SLOT, to):
            await read.all()
        assert cluster.master_of(SLOT) is to
    assert read.rounds > 20
    await read.store.close()


async def test_no_read_fails_while_many_are_under_way(cluster: Cluster, cluster_url: str) -> None:
    read = Read(RedisStore.open(cluster_url))
    await read.store.put_many(read.held, None)
    home, away = cluster.master_of(SLOT), other_master(cluster)

    async def keep_reading(until: asyncio.Event) -> None:
        while not until.is_set():
            await read.all()

    until = asyncio.Event()
    readers = [asyncio.create_task(keep_reading(until)) for _ in range(4)]
    for to in (away, home):
        steps = cluster.migrate(SLOT, to)
        while await asyncio.to_thread(_stepped, steps):
            pass
    until.set()
    await asyncio.gather(*readers)
    assert read.rounds > 10
    await read.store.close()


async def test_no_read_fails_while_a_replica_takes_over_in_order(
    cluster: Cluster, cluster_url: str
) -> None:
    read = Read(RedisStore.open(cluster_url))
    await read.store.put_many(read.held, None)
    home = cluster.master_of(SLOT)
    [(_, port, _)] = home.call("ROLE")[2]
    for to in (cluster.at(int(port)), home):
        wait_until(lambda: _follows(to, len(read.held)), "it to follow")  # noqa: B023
        to.call("CLUSTER", "FAILOVER")
        while to.call("ROLE")[0] != b"master":
            await read.all()
        for _ in range(5):
            await read.all()
        assert await read.store.get_many([record_key(read.users[5])]) == [None]
    wait_until(cluster.is_whole, "the cluster to be whole")
    await read.store.close()


async def test_writes_follow_a_slot_that_moves(
    cluster: Cluster, cluster_url: str, client: Redis
) -> None:
    """Also with several connections open, of which only one says ASKING."""
    store, [first, *rest] = RedisStore(client), users_of_slot(SLOT, 12)
    await store.put_many({record_key(first): b"1"}, None)
    home, away = cluster.master_of(SLOT), other_master(cluster)
    for to in (away, home):
        await asyncio.gather(*(client.get(b"{%d}" % n) for n in range(30)))
        written = iter(rest)
        for _ in cluster.migrate(SLOT, to, chunk=100):
            for user in (next(written), next(written)):
                await store.put_many({record_key(user): b"new"}, None)
                assert await store.get_many([record_key(user)]) == [b"new"]
    await store.close()


def _follows(server: Server, keys: int) -> bool:
    """The master that was is told last that it is none."""
    role, *rest = server.call("ROLE")
    is_following = role == b"slave" and rest[2] == b"connected"
    return is_following and bool(server.call("DBSIZE") == keys)


def _stepped(steps: Iterator[None]) -> bool:
    return next(steps, 0) is None
