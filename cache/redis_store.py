"""Values in Redis or Valkey."""

from collections.abc import Mapping, Sequence
from typing import Final, Self

from redis.asyncio import Redis

from cache.breaker import CircuitBreaker
from cache.cluster_client import ClusterClient
from cache.cluster_reads import ClusterReads
from cache.connection import ANSWER_S, connect, unavailable_when_failing
from cache.line import Line
from cache.node_breakers import NodeBreakers
from cache.pipelined_reads import PipelinedReads, Reads
from cache.store import Replacement
from cache.topology import Topology

REPLACE: Final = """
local held = redis.pcall('GETRANGE', KEYS[1], 0, 23)
local version, fence = 0, 0
if type(held) == 'string' and #held == 24 and string.sub(held, 1, 1) == 'U' then
  version, fence = struct.unpack('<I8I8', held, 9)
  if version > 9007199254740992 or fence > 9007199254740992 then version, fence = 0, 0 end
end
if version ~= tonumber(ARGV[2]) or fence > tonumber(ARGV[3]) then return 0 end
if ARGV[4] == '' then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4]) end
return 1
"""
"""Compare-and-set on the stamp (cache.stamp) without reading the value; a value of another type
counts as absent."""


class RedisStore:
    def __init__(self, client: Redis, answer_s: float = ANSWER_S) -> None:
        self._client = client
        self._topology = _topology(client, answer_s)
        self._reads: Reads = (
            PipelinedReads(lambda: Line.open(client, answer_s))
            if self._topology is None
            else ClusterReads(self._topology)
        )

    @classmethod
    def open(cls, url: str, *, max_connections: int = 4, wait_ms: float = 100.0) -> Self:
        return cls(connect(url, max_connections=max_connections, wait_ms=wait_ms))

    def breaker(self, failures: int, open_s: float) -> CircuitBreaker:
        """For its reads: of a cluster, each node's stop and go on by themselves."""
        if self._topology is None:
            return CircuitBreaker(failures, open_s)
        return NodeBreakers(self._topology, failures, open_s)

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Shares its connection with whoever reads at the same time."""
        return await self._reads.get_many(keys) if keys else []

    async def put_many(self, values: Mapping[bytes, bytes], ttl_s: float | None) -> None:
        if not values:
            return
        with unavailable_when_failing("write"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for key, value in values.items():
                    pipeline.set(key, value, px=_milliseconds(ttl_s))
                await pipeline.execute()

    async def replace(
        self, key: bytes, value: bytes, *, expected_version: int, fence: int, ttl_s: float | None
    ) -> bool:
        replaced = await self.replace_many(
            [Replacement(key, value, expected_version, fence)], ttl_s
        )
        return replaced[0]

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        if not replacements:
            return []
        ttl = _milliseconds(ttl_s) or ""
        with unavailable_when_failing("replace"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for key, value, version, fence in replacements:
                    # The text each time, not its hash: no second trip after a server restart.
                    pipeline.eval(REPLACE, 1, key, value, version, fence, ttl)
                return [bool(done) for done in await pipeline.execute()]

    async def ping(self) -> None:
        with unavailable_when_failing("ping"):
            await self._client.ping()

    async def close(self) -> None:
        await self._reads.close()
        await self._client.aclose()


def _topology(client: object, answer_s: float) -> Topology | None:
    """None of a single server."""
    if not isinstance(client, ClusterClient):
        return None
    return Topology(client.seeds, lambda node: Line.of_pool(client.pool_of(node), answer_s))


def _milliseconds(ttl_s: float | None) -> int | None:
    return None if ttl_s is None else max(1, round(ttl_s * 1000))
