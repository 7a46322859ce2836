"""The state of the server and of every stream."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.keys import DEAD_STREAM, EVENTS_STREAM, ITEMS_STREAM, stream_pattern
from cache.operator.key_listing import listed
from cache.operator.stream_report import StreamReport, dead_letters, stream_report


@dataclass(frozen=True, slots=True)
class ServerReport:
    version: str
    keys: int
    memory_used_bytes: int
    memory_max_bytes: int  # 0: no bound
    eviction_policy: str
    evicted_keys: int  # since the server started
    expired_keys: int
    streams: list[StreamReport]
    dead_letters: list[str]  # reasons of the newest


async def server_report(client: Redis) -> ServerReport:
    told: dict[str, Any] = {}
    with unavailable_when_failing("ask for the server's state"):
        for section in ("server", "memory", "stats"):
            told |= await client.info(section)
        keys = int(await client.dbsize())
    return ServerReport(
        str(told.get("valkey_version") or told["redis_version"]),
        keys,
        int(told["used_memory"]),
        int(told["maxmemory"]),
        str(told["maxmemory_policy"]),
        int(told["evicted_keys"]),
        int(told["expired_keys"]),
        [await stream_report(client, stream) for stream in await _streams(client)],
        await dead_letters(client),
    )


async def _streams(client: Redis) -> list[bytes]:
    """Those that are there, and those that always will be."""
    found = {key async for keys in listed(client, stream_pattern()) for key in keys}
    return sorted(found | {EVENTS_STREAM, ITEMS_STREAM, DEAD_STREAM})
