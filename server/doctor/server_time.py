"""The server's clock, which dates all that is kept there."""

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.operator.masters import masters


async def server_s(client: Redis) -> float:
    """Unix time, of one master. Raises StoreUnavailable."""
    [server, *_] = await masters(client)
    with unavailable_when_failing("ask for its time"):
        seconds, micros = await server.execute_command("TIME")
    return int(seconds) + int(micros) / 1e6
