"""What a gateway may know of the refreshers of a space: how many there are, and how far behind."""

from typing import Any, Final, NamedTuple

from redis.asyncio import Redis

from cache.account import Account
from cache.connection import unavailable_when_failing
from cache.demand_keys import MAX_SHARDS, SpaceKeys
from cache.refresh.backlog import Backlog

ROSTER: Final = """
local time = redis.call('TIME')
local now_ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
return {redis.call('GET', KEYS[1]), redis.call('ZCOUNT', KEYS[2], '(' .. now_ms, '+inf')}
"""
"""A worker's score is when it counts as dead, by this server's clock."""


class SpaceState(NamedTuple):
    shards: int  # 0: nobody has asked for anything yet
    workers: int  # alive by the server's clock
    backlog: int  # messages of demand
    account: Account


async def space_state(client: Redis, space: str) -> SpaceState:
    """Read-only, three short round trips. Raises StoreUnavailable."""
    shards, workers = await _roster(client, SpaceKeys.of(space))
    if not 1 <= shards <= MAX_SHARDS:
        return SpaceState(0, workers, 0, Account.read({}))
    backlog = Backlog(client, space, shards)
    lengths, account = await backlog.lengths(), await backlog.account()
    return SpaceState(shards, workers, sum(lengths), account)


async def _roster(client: Redis, keys: SpaceKeys) -> tuple[int, int]:
    """Shards and workers."""
    redis: Any = client
    with unavailable_when_failing("look at a space"):
        shards, workers = await redis.eval(ROSTER, 2, keys.shards, keys.workers)
        return int(shards or 0), int(workers)
