"""The writing side of demand: messages into shards, each counted as it is appended."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.demand_keys import MAX_SHARDS, SHARDS, ShardKeys, SpaceKeys
from cache.errors import ShardsDiffer

APPEND: Final = """
local function size(body)
  return #body < 22 and 0 or (struct.unpack('<I2', body, 21))
end
local demanded, trimmed = 0, 0
for i = 2, #ARGV do
  redis.call('XADD', KEYS[1], '*', 'b', ARGV[i])
  demanded = demanded + size(ARGV[i])
end
redis.call('HINCRBY', KEYS[2], 'demanded', demanded)
local over = math.min(redis.call('XLEN', KEYS[1]) - ARGV[1], 2 * #ARGV)
if over <= 0 then return 0 end
for _, oldest in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', over)) do
  trimmed = trimmed + size(oldest[2][2])
  redis.call('XDEL', KEYS[1], oldest[1])
  redis.call('HDEL', KEYS[3], oldest[1])
end
redis.call('HINCRBY', KEYS[2], 'trimmed', trimmed)
return over
"""
"""XADD's own MAXLEN would not say what it dropped. `size` is cache.demand.pairs_of."""
MESSAGES_A_SCRIPT: Final = 256
"""Short scripts: a server runs one at a time, and a request's read must not wait behind it."""


class RedisDemand:
    def __init__(self, client: Redis, space: str) -> None:
        self._client: Any = client
        self._space = space
        self._keys: dict[int, ShardKeys] = {}

    async def shards(self, if_absent: int = SHARDS) -> int:
        """How many there are; whoever comes first decides. Raises StoreUnavailable."""
        key = SpaceKeys.of(self._space).shards
        with unavailable_when_failing("read the number of shards"):
            async with self._client.pipeline(transaction=False) as pipeline:
                pipeline.set(key, if_absent, nx=True)
                pipeline.get(key)
                held = int((await pipeline.execute())[1])
            if not 1 <= held <= MAX_SHARDS:
                raise ValueError(f"{key.decode()} is {held}: set it to 1 to {MAX_SHARDS}")
        return held

    async def append(self, by_shard: Mapping[int, Sequence[bytes]], limit: int) -> None:
        """One round trip. Past `limit` messages of a shard its oldest are dropped and counted.

        Raises StoreUnavailable: then each shard's messages are appended and counted, or not.
        """
        with unavailable_when_failing("append demand"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for shard, bodies in by_shard.items():
                    stream, account, tries, _ = self._shard(shard)
                    for at in range(0, len(bodies), MESSAGES_A_SCRIPT):
                        part = bodies[at : at + MESSAGES_A_SCRIPT]
                        pipeline.eval(APPEND, 3, stream, account, tries, limit, *part)
                await pipeline.execute()

    def _shard(self, shard: int) -> ShardKeys:
        if shard not in self._keys:
            self._keys[shard] = ShardKeys.of(self._space, shard)
        return self._keys[shard]


def check_shards(space: str, held: int, wanted: int) -> None:
    """Raises ShardsDiffer."""
    key = SpaceKeys.of(space).shards.decode()
    if held != wanted:
        raise ShardsDiffer(
            f"demand of space {space} is kept in {held} shards and {wanted} are wanted: leave the "
            f"number out, or stop gateways and refreshers of the space and delete {key}"
        )
