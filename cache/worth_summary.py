"""What the teacher's word was found to be worth: the summary that `understudy worth` leaves."""

from typing import Any, Final

import msgspec
from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.errors import MessageCorrupt

KEPT_S: Final = 86_400
"""A summary that nobody renewed for so long says nothing of today."""
MAX_BYTES: Final = 65_536


class Worth(msgspec.Struct, frozen=True, array_like=True):
    """Of one slice of the shown candidates. The ratio is None where the teacher's lead is not told
    from none, the interval (95 %) where there are too few users."""

    candidates: int
    ratio: float | None
    low: float | None
    high: float | None


class WorthSummary(msgspec.Struct, frozen=True, array_like=True):
    """The order of the fields is that of the value."""

    at_ms: int  # when it was written
    since_ms: int  # when the sums began
    model: str
    version: str  # of the student
    teacher: str  # version
    task: str
    slices: dict[str, Worth]


def worth_key(space: str) -> bytes:
    return f"us:worth:{{{space}}}".encode()


async def write_summary(client: Redis, space: str, summary: WorthSummary) -> None:
    """Raises StoreUnavailable."""
    with unavailable_when_failing("write what the teacher is worth"):
        await client.set(worth_key(space), _ENCODER.encode(summary), ex=KEPT_S)


async def read_summary(client: Redis, space: str) -> WorthSummary | None:
    """Raises StoreUnavailable, MessageCorrupt."""
    redis: Any = client
    with unavailable_when_failing("read what the teacher is worth"):
        value = await redis.get(worth_key(space))
    return None if value is None else _decoded(value)


def _decoded(value: bytes) -> WorthSummary:
    if len(value) > MAX_BYTES:
        raise MessageCorrupt(f"a summary of {len(value)} bytes, at most {MAX_BYTES}")
    try:
        return _DECODER.decode(value)
    except msgspec.DecodeError as error:
        raise MessageCorrupt(f"not a summary of what the teacher is worth: {error}") from error


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(WorthSummary)
