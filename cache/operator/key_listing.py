"""Which keys there are. Nothing else lists them: a cluster's nodes would be walked here alone."""

from collections.abc import AsyncIterator
from typing import Any, Final

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing

KEYS_A_STEP: Final = 1000
"""The server serves nobody else during a step: this many take it less than a millisecond."""


async def listed(client: Redis, pattern: bytes) -> AsyncIterator[list[bytes]]:
    """By steps of a walk, some of them empty. A key that is there throughout comes at least once;
    a second time only while the server's table grows."""
    cursor = 0
    while True:
        with unavailable_when_failing("list keys"):
            told: Any = await client.scan(cursor, match=pattern, count=KEYS_A_STEP)
        cursor, keys = told
        yield keys
        if cursor == 0:
            return
