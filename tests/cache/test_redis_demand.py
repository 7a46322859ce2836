from typing import Any

import pytest

from cache.account import Account, Outcome
from cache.connection import connect
from cache.demand import encode
from cache.demand_keys import ShardKeys, SpaceKeys
from cache.errors import ShardsDiffer, StoreUnavailable
from cache.redis_demand import RedisDemand, check_shards
from tests.cache.demands import make_demand

pytestmark = pytest.mark.redis

SHARD = ShardKeys.of("s", 1)


@pytest.fixture
def demand(client: Any) -> RedisDemand:
    return RedisDemand(client, "s")


def body(pairs: int) -> bytes:
    return encode(make_demand(items=tuple(range(pairs))), 0)


async def account(client: Any) -> Account:
    return Account.read(await client.hgetall(SHARD.account))


async def test_messages_keep_their_order_and_are_counted_with_their_pairs(
    client: Any, demand: RedisDemand
) -> None:
    await demand.append({1: [body(2), body(3)], 0: [body(7)]}, 100)
    entries = await client.xrange(SHARD.stream)
    assert [fields for _, fields in entries] == [{b"b": body(2)}, {b"b": body(3)}]
    assert (await account(client)).demanded == 5


async def test_nothing_to_append_is_allowed(demand: RedisDemand) -> None:
    await demand.append({}, 100)


async def test_what_is_pushed_out_of_a_full_shard_is_counted(
    client: Any, demand: RedisDemand
) -> None:
    for pairs in range(1, 11):
        await demand.append({1: [body(pairs)]}, 4)
    assert await client.xlen(SHARD.stream) == 4
    held = await account(client)
    assert held.outcomes[Outcome.TRIMMED] == sum(range(1, 7))
    assert held.unsettled == sum(range(7, 11))


async def test_shard_longer_than_its_limit_shrinks_by_more_than_comes(
    client: Any, demand: RedisDemand
) -> None:
    await demand.append({1: [body(1)] * 20}, 100)
    for _ in range(8):
        await demand.append({1: [body(1)]}, 5)
    assert await client.xlen(SHARD.stream) == 5
    assert (await account(client)).unsettled == 5


async def test_trimmed_message_leaves_no_count_of_tries(client: Any, demand: RedisDemand) -> None:
    await demand.append({1: [body(1)]}, 10)
    [(first, _)] = await client.xrange(SHARD.stream)
    await client.hset(SHARD.tries, first, "1")
    await demand.append({1: [body(1)]}, 1)
    assert await client.exists(SHARD.tries) == 0


@pytest.mark.parametrize("foreign", [b"", b"x" * 5, b"x" * 21])
async def test_rubbish_weighs_nothing(client: Any, demand: RedisDemand, foreign: bytes) -> None:
    await demand.append({1: [foreign]}, 10)
    assert await client.xlen(SHARD.stream) == 1
    assert (await account(client)).demanded == 0


async def test_first_to_come_decides_the_number_of_shards(demand: RedisDemand) -> None:
    assert await demand.shards(32) == 32
    assert await demand.shards() == 32
    assert await demand.shards(8) == 32


async def test_another_number_of_shards_is_refused_with_the_remedy() -> None:
    check_shards("s", 16, 16)
    with pytest.raises(ShardsDiffer, match=r"16 shards and 32 are wanted.*delete us:shards:\{s\}"):
        check_shards("s", 16, 32)


@pytest.mark.parametrize("nonsense", ["0", "1025", "many"])
async def test_number_of_shards_that_is_none_is_no_answer(
    client: Any, demand: RedisDemand, nonsense: str
) -> None:
    await client.set(SpaceKeys.of("s").shards, nonsense)
    with pytest.raises(StoreUnavailable, match="number of shards"):
        await demand.shards()


async def test_server_that_is_away_is_unavailable() -> None:
    away = RedisDemand(connect("unix:///nowhere/valkey.sock"), "s")
    with pytest.raises(StoreUnavailable):
        await away.append({1: [body(1)]}, 10)
    with pytest.raises(StoreUnavailable):
        await away.shards()
