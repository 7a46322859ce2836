"""Keys that go for good."""

from collections.abc import Sequence

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing


async def unlinked(client: Redis, keys: Sequence[bytes]) -> int:
    """How many there were. One command a key: of a cluster, each goes to its own node."""
    if not keys:
        return 0
    with unavailable_when_failing("delete keys"):
        async with client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.execute_command("UNLINK", key)
            return sum(await pipeline.execute())
