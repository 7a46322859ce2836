"""Queues as Redis Streams with consumer groups."""

from collections.abc import Sequence
from typing import Any, Final, Self

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from cache.acknowledging import ACKNOWLEDGE, WATCHER_IDLE_MS
from cache.connection import connect, unavailable_when_failing
from cache.streams import START, Message

_BODY: Final = b"b"
_IDS_A_SCRIPT: Final = 1024
MAX_BLOCK_MS: Final = 1000
"""A read blocks a connection; short waits keep a stopped process from hanging on one."""


class RedisStreams:
    """Give it a client of its own: a waiting read keeps a connection."""

    def __init__(self, client: Redis) -> None:
        self._client: Any = client  # redis-py types replies as unions of every protocol's

    @classmethod
    def open(cls, url: str, *, max_connections: int = 4) -> Self:
        return cls(connect(url, max_connections=max_connections, wait_ms=2 * MAX_BLOCK_MS))

    async def append(self, stream: bytes, bodies: Sequence[bytes], max_length: int) -> None:
        if not bodies:
            return
        with unavailable_when_failing("append to a stream"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for body in bodies:
                    pipeline.xadd(stream, {_BODY: body}, maxlen=max_length, approximate=True)
                await pipeline.execute()

    async def ensure_group(self, stream: bytes, group: bytes) -> None:
        with unavailable_when_failing("create a consumer group"):
            try:
                await self._client.xgroup_create(stream, group, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def read_group(
        self, stream: bytes, group: bytes, consumer: bytes, count: int, block_ms: int
    ) -> list[Message]:
        with unavailable_when_failing("read a consumer group"):
            replies = await self._client.xreadgroup(
                group, consumer, {stream: ">"}, count=count, block=_block(block_ms)
            )
        return _messages(replies[0][1]) if replies else []

    async def given_before(
        self, stream: bytes, group: bytes, consumer: bytes, count: int
    ) -> list[Message]:
        with unavailable_when_failing("read what was given before"):
            replies = await self._client.xreadgroup(group, consumer, {stream: "0"}, count=count)
        # What was trimmed since has an id and no body: claiming clears it away.
        held = [entry for entry in replies[0][1] if entry[1]] if replies else []
        return _messages(held)

    async def claim_stale(
        self, stream: bytes, group: bytes, consumer: bytes, min_idle_ms: int, count: int
    ) -> list[Message]:
        claimed: list[Message] = []
        cursor = b"0-0"
        while len(claimed) < count:
            with unavailable_when_failing("claim from a consumer group"):
                reply = await self._client.xautoclaim(
                    stream, group, consumer, min_idle_ms, cursor, count - len(claimed)
                )
            cursor = reply[0]
            claimed += _messages(reply[1])
            if cursor == b"0-0":
                break
        return claimed

    async def acknowledge(self, stream: bytes, group: bytes, ids: Sequence[bytes]) -> None:
        if not ids:
            return
        with unavailable_when_failing("acknowledge"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for at in range(0, len(ids), _IDS_A_SCRIPT):
                    part = ids[at : at + _IDS_A_SCRIPT]
                    pipeline.eval(ACKNOWLEDGE, 1, stream, group, WATCHER_IDLE_MS, *part)
                await pipeline.execute()

    async def pending(self, stream: bytes, group: bytes) -> int:
        with unavailable_when_failing("count pending messages"):
            return int((await self._client.xpending(stream, group))["pending"])

    async def backlog(self, stream: bytes, group: bytes) -> int:
        with unavailable_when_failing("measure a backlog"):
            length = int(await self._client.xlen(stream))
            groups = await self._client.xinfo_groups(stream) if length else []
        # No lag is told when what was deleted lies ahead of the group.
        unread: dict[bytes, int] = {
            told["name"]: told["lag"] for told in groups if told["lag"] is not None
        }
        pending = {told["name"]: int(told["pending"]) for told in groups}
        return min(length, unread.get(group, length) + pending.get(group, 0))

    async def length(self, stream: bytes) -> int:
        with unavailable_when_failing("measure a stream"):
            return int(await self._client.xlen(stream))

    async def read_after(
        self, stream: bytes, last_id: bytes, count: int, block_ms: int
    ) -> list[Message]:
        with unavailable_when_failing("read a stream"):
            replies = await self._client.xread(
                {stream: last_id}, count=count, block=_block(block_ms)
            )
        return _messages(replies[0][1]) if replies else []

    async def last_id(self, stream: bytes) -> bytes:
        with unavailable_when_failing("look at a stream"):
            if not await self._client.exists(stream):
                return START
            return bytes((await self._client.xinfo_stream(stream))["last-generated-id"])

    async def close(self) -> None:
        await self._client.aclose()


def _block(block_ms: int) -> int | None:
    """For Redis 0 means for ever and absent means not at all."""
    return min(block_ms, MAX_BLOCK_MS) if block_ms else None


def _messages(entries: Sequence[tuple[bytes, dict[bytes, bytes] | None]]) -> list[Message]:
    return [Message(id_, (fields or {}).get(_BODY, b"")) for id_, fields in entries]
