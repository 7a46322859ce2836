"""Where messages go that nobody can use, each with the reason."""

import logging
from typing import Final

from cache.keys import DEAD_STREAM
from cache.streams import Message, Streams

DEAD_LIMIT: Final = 1000
DEAD_BYTES: Final = 65_536
REASON_LENGTH: Final = 1000

log = logging.getLogger(__name__)


async def bury(streams: Streams, stream: bytes, message: Message, error: Exception) -> None:
    """Raises StoreUnavailable. Who buries acknowledges afterwards: a letter may be there twice."""
    why = f"{type(error).__name__}: {error}"
    log.warning("a message of %s can be used by nobody: %s", stream.decode(), why[:REASON_LENGTH])
    reason = f"{stream.decode()} {message.id.decode()}: {why}"
    letter = reason[:REASON_LENGTH].encode() + b"\0" + message.body[:DEAD_BYTES]
    await streams.append(DEAD_STREAM, [letter], DEAD_LIMIT)
