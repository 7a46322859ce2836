"""Which keys there are. Nothing else lists them, so a cluster's nodes are walked here alone."""

from collections.abc import AsyncIterator
from typing import Any, Final

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.operator.masters import masters

KEYS_A_STEP: Final = 1000
"""The server serves nobody else during a step: this many take it less than a millisecond."""


async def listed(client: Redis, pattern: bytes) -> AsyncIterator[list[bytes]]:
    """By steps of a walk, some of them empty. A key that is there throughout comes at least once;
    a second time only while the server's table grows, or its slot moves to another node."""
    for server in await masters(client):
        cursor = 0
        while True:
            with unavailable_when_failing("list keys"):
                cursor, keys = await _step(server, cursor, pattern)
            yield keys
            if cursor == 0:
                break


async def _step(server: Any, cursor: int, pattern: bytes) -> tuple[int, list[bytes]]:
    told = await server.execute_command("SCAN", cursor, "MATCH", pattern, "COUNT", KEYS_A_STEP)
    return int(told[0]), told[1]
