"""The right to work on a shard, for a time that the server counts and under a token that grows."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.demand_keys import ShardKeys, SpaceKeys

TOKEN: Final = """
local now = redis.call('TIME')
local token = math.max(redis.call('INCR', KEYS[1]), now[1] * 1000000 + now[2])
redis.call('SET', KEYS[1], string.format('%.0f', token))
return token
"""
"""At least the time in µs: a counter that was lost with a failed server must not begin again below
what pages were written under."""
RENEW: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
RELEASE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class Lease(NamedTuple):
    shard: int
    token: int
    proof: bytes  # the value of its key while it is held
    until_s: float  # on the holder's own clock, no later than the server lets it end


class Leases:
    """Those of one space, as one worker asks for them. Every call may raise StoreUnavailable.

    `clock` is monotonic seconds. A lease counts from before it was asked for, so a holder that was
    frozen, or waited for the answer, knows it is over no later than the server does.
    """

    def __init__(
        self,
        client: Redis,
        space: str,
        name: bytes,
        lease_ms: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client: Any = client
        self._space = space
        self._name = name
        self._lease_ms = lease_ms
        self._clock = clock

    async def free(self, shards: Sequence[int]) -> list[int]:
        """Those that nobody holds now."""
        keys = [self._key(shard) for shard in shards]
        with unavailable_when_failing("look at leases"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.exists(key)
                held = await pipeline.execute()
        return [shard for shard, is_held in zip(shards, held, strict=True) if not is_held]

    async def acquire(self, shards: Sequence[int]) -> list[Lease]:
        """Those of them that it got."""
        until_s = self._clock() + self._lease_ms / 1000.0
        wanted = [
            Lease(shard, token, b"%d %s" % (token, self._name), until_s)
            for shard, token in zip(shards, await self._tokens(len(shards)), strict=True)
        ]
        with unavailable_when_failing("take leases"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for lease in wanted:
                    key = self._key(lease.shard)
                    pipeline.set(key, lease.proof, nx=True, px=self._lease_ms)
                got = await pipeline.execute()
        return [lease for lease, is_got in zip(wanted, got, strict=True) if is_got]

    async def renew(self, leases: Iterable[Lease]) -> list[Lease]:
        """Those still held, which now last longer."""
        asked = list(leases)
        until_s = self._clock() + self._lease_ms / 1000.0
        held = await self._each(RENEW, asked, self._lease_ms)
        return [
            lease._replace(until_s=until_s)
            for lease, is_held in zip(asked, held, strict=True)
            if is_held
        ]

    async def release(self, leases: Iterable[Lease]) -> None:
        await self._each(RELEASE, list(leases))

    async def _tokens(self, count: int) -> list[int]:
        fence = SpaceKeys.of(self._space).fence
        with unavailable_when_failing("take fencing tokens"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for _ in range(count):
                    pipeline.eval(TOKEN, 1, fence)
                return [int(token) for token in await pipeline.execute()]

    async def _each(self, script: str, leases: Sequence[Lease], *arguments: int) -> list[bool]:
        with unavailable_when_failing("keep leases"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for lease in leases:
                    pipeline.eval(script, 1, self._key(lease.shard), lease.proof, *arguments)
                return [bool(done) for done in await pipeline.execute()]

    def _key(self, shard: int) -> bytes:
        return ShardKeys.of(self._space, shard).lease
