"""How much is asked for in a space, over all of its shards."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.demand_keys import SHARDS, ShardKeys, SpaceKeys


@dataclass(frozen=True, slots=True)
class DemandReport:
    is_there: bool
    messages: int
    pending: int  # begun by a worker and not settled


async def shard_keys(client: Redis, space: str) -> list[ShardKeys]:
    """Of as many shards as the space has, or would have."""
    with unavailable_when_failing("read the number of shards"):
        held: Any = await client.get(SpaceKeys.of(space).shards)
        return [ShardKeys.of(space, shard) for shard in range(int(held or SHARDS))]


async def demand_report(client: Redis, space: str) -> DemandReport:
    shards = await shard_keys(client, space)
    with unavailable_when_failing("measure the demand"):
        async with client.pipeline(transaction=False) as pipeline:
            for keys in shards:
                pipeline.exists(keys.stream)
                pipeline.xlen(keys.stream)
                pipeline.hlen(keys.tries)
            told: list[int] = await pipeline.execute()
    return DemandReport(any(told[::3]), sum(told[1::3]), sum(told[2::3]))
