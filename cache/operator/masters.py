"""The servers that have keys of their own: the one there is, or each master of a cluster."""

from typing import Any

from redis.asyncio import Redis

from cache.cluster_client import ClusterClient
from cache.connection import unavailable_when_failing


async def masters(client: Redis) -> list[Any]:
    """Each with `execute_command`. Raises StoreUnavailable."""
    cluster: Any = client
    if not isinstance(cluster, ClusterClient):
        return [client]
    with unavailable_when_failing("list the masters"):
        await cluster.initialize()
    return list(cluster.get_primaries())
