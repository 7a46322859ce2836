"""Who works on a space: a heartbeat each, kept in the server's time."""

from typing import Any, Final, NamedTuple

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.demand_keys import SpaceKeys

BEAT: Final = """
local time, ttl = redis.call('TIME'), tonumber(ARGV[2])
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[2], ARGV[3], 'NX')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + ARGV[4], '+inf')
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local rank, workers = 0, redis.call('ZRANGE', KEYS[1], 0, -1)
for _, name in ipairs(workers) do
  if name < ARGV[1] then rank = rank + 1 end
end
return {now, #workers, rank, redis.call('GET', KEYS[2])}
"""
"""The score is when a worker counts as dead, by its own lease; one past MAX_TTL_MS from now was
written by another server's clock, before this one replaced it."""
MAX_TTL_MS: Final = 600_000


class Beat(NamedTuple):
    server_ms: int
    workers: int  # alive, this one included
    rank: int  # of this one among them, by name
    shards: int


class Roster:
    def __init__(self, client: Redis, space: str, name: bytes, *, shards: int, ttl_ms: int) -> None:
        self._client: Any = client
        self._keys = SpaceKeys.of(space)
        self._name = name
        self._shards = shards
        self._ttl_ms = ttl_ms

    async def beat(self) -> Beat:
        """Alive for another `ttl_ms`. Writes the number of shards where a server lost it.

        Raises StoreUnavailable.
        """
        with unavailable_when_failing("say that this worker is alive"):
            told = await self._client.eval(
                BEAT, 2, self._keys.workers, self._keys.shards, self._name, self._ttl_ms,
                self._shards, MAX_TTL_MS,
            )  # fmt: skip
            return Beat(*map(int, told))

    async def leave(self) -> None:
        """Raises StoreUnavailable."""
        with unavailable_when_failing("say that this worker ends"):
            await self._client.zrem(self._keys.workers, self._name)


def fair_share(shards: int, beat: Beat) -> int:
    """Of the shards, for one of several workers; all of theirs together are all shards."""
    share, more = divmod(shards, beat.workers)
    return share + (beat.rank < more)
