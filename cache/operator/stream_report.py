"""How far behind the readers of a stream are."""

from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.keys import DEAD_STREAM

LETTERS: Final = 5


@dataclass(frozen=True, slots=True)
class GroupReport:
    name: str
    consumers: int
    pending: int  # messages given to a consumer and not acknowledged


@dataclass(frozen=True, slots=True)
class StreamReport:
    name: str
    is_there: bool
    length: int  # the backlog, where a group reads it
    groups: list[GroupReport]

    @property
    def pending(self) -> int:
        return sum(group.pending for group in self.groups)


async def stream_report(client: Redis, stream: bytes) -> StreamReport:
    """Of a stream that is not there: empty, without groups."""
    redis: Any = client
    with unavailable_when_failing("look at a stream"):
        is_there = bool(await redis.exists(stream))
        groups = await redis.xinfo_groups(stream) if is_there else []
        length = await redis.xlen(stream)
    name = stream.decode(errors="replace")
    return StreamReport(name, is_there, length, [_group(told) for told in groups])


def _group(told: dict[str, Any]) -> GroupReport:
    name = told["name"].decode(errors="replace")
    return GroupReport(name, int(told["consumers"]), int(told["pending"]))


async def dead_letters(client: Redis) -> list[str]:
    """Why the newest few were given up, newest first."""
    redis: Any = client
    with unavailable_when_failing("read dead letters"):
        letters = await redis.xrevrange(DEAD_STREAM, count=LETTERS)
    bodies = (b"".join(fields.values()) for _, fields in letters)
    return [body.partition(b"\0")[0].decode(errors="replace") for body in bodies]
