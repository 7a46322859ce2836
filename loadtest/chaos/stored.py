"""What is done to Valkey itself, past the proxy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from redis.exceptions import ConnectionError as Unreachable

from loadtest.chaos.damage import DAMAGE

PAGES: Final = "us:p:*"
EVENTS: Final = "us:stream:events"
SHORT: Final = 0.8
"""Share of the memory in use that is left."""
OURS: Final = 1
"""Clients that may still come: the connection that asks for it."""


async def change(redis: Any, what: str) -> None:
    if what == "flush":
        await redis.flushall()
    elif what == "expire":
        await _expire(redis)
    else:
        await _damage(redis, what)


async def _expire(redis: Any) -> None:
    """As when the server's clock jumps ahead: whatever has an expiry is over it."""
    async for key in redis.scan_iter(count=1000):
        if await redis.pttl(key) > 0:
            await redis.pexpire(key, 1)


async def _damage(redis: Any, what: str) -> None:
    async for key in redis.scan_iter(match=PAGES, count=1000):
        page = await redis.get(key)
        if page is not None:
            await redis.set(key, DAMAGE[what](page), keepttl=True)


@asynccontextmanager
async def limited(redis: Any, what: str) -> AsyncIterator[None]:
    """What was set before holds afterwards; a server that died has forgotten it by itself."""
    wanted = await _wanted(redis, what)
    held: dict[str, str] = {}
    for name in wanted:
        held |= _text(await redis.config_get(name))
    for name, value in wanted.items():
        await redis.config_set(name, value)
    if what == "clients":
        await redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    try:
        yield
    finally:
        with suppress(Unreachable):
            # Room first: with the old policy back, what has none would be evicted.
            for name, value in reversed(held.items()):
                await redis.config_set(name, value)


async def _wanted(redis: Any, what: str) -> dict[str, str | int]:
    if what == "clients":
        return {"maxclients": OURS}
    if what == "memory":
        return {"maxmemory-policy": "noeviction", "maxmemory": 1 << 20}
    used = int((await redis.info("memory"))["used_memory"])
    return {"maxmemory": int(SHORT * used)}


def _text(told: Any) -> dict[str, str]:
    """redis-py decodes what CONFIG GET says, whichever way it was asked."""
    return {
        (k.decode() if isinstance(k, bytes) else k): (v.decode() if isinstance(v, bytes) else v)
        for k, v in told.items()
    }
