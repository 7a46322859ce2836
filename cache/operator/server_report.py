"""The state of the server, or of all masters of a cluster, and of every stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.keys import DEAD_STREAM, EVENTS_STREAM, ITEMS_STREAM, stream_pattern
from cache.operator.key_listing import listed
from cache.operator.masters import masters
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
    servers = await masters(client)
    with unavailable_when_failing("ask for the server's state"):
        said = [await _facts(server) for server in servers]
    return ServerReport(
        _words(said, "valkey_version", "redis_version"),
        _total(said, "keys"),
        _total(said, "used_memory"),
        _total(said, "maxmemory"),
        _words(said, "maxmemory_policy"),
        _total(said, "evicted_keys"),
        _total(said, "expired_keys"),
        [await stream_report(client, stream) for stream in await _streams(client)],
        await dead_letters(client),
    )


async def _facts(server: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for section in ("server", "memory", "stats"):
        facts |= await server.execute_command("INFO", section)
    return facts | {"keys": await server.execute_command("DBSIZE")}


def _total(said: Sequence[Mapping[str, Any]], name: str) -> int:
    return sum(int(facts[name]) for facts in said)


def _words(said: Sequence[Mapping[str, Any]], *names: str) -> str:
    """All that differ, as while a cluster is upgraded."""
    words = {next(str(facts[name]) for name in names if name in facts) for facts in said}
    return ", ".join(sorted(words))


async def _streams(client: Redis) -> list[bytes]:
    """Those that are there, and those that always will be."""
    found = {key async for keys in listed(client, stream_pattern()) for key in keys}
    return sorted(found | {EVENTS_STREAM, ITEMS_STREAM, DEAD_STREAM})
