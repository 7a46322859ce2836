"""Where messages go that nobody can use, each with the reason."""

from typing import Final

from cache.keys import DEAD_STREAM
from cache.streams import Message, Streams

DEAD_LIMIT: Final = 1000
DEAD_BYTES: Final = 65_536
REASON_LENGTH: Final = 1000


async def bury(streams: Streams, stream: bytes, message: Message, error: Exception) -> None:
    """Raises StoreUnavailable. Who buries acknowledges afterwards: a letter may be there twice."""
    reason = f"{stream.decode()} {message.id.decode()}: {type(error).__name__}: {error}"
    letter = reason[:REASON_LENGTH].encode() + b"\0" + message.body[:DEAD_BYTES]
    await streams.append(DEAD_STREAM, [letter], DEAD_LIMIT)
