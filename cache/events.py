"""Events: what users did, as callers report it. One message carries one caller's batch."""

from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple

from cache.errors import MessageCorrupt
from cache.keys import EVENTS_STREAM
from cache.streams import Streams

IMPRESSION: Final = "impression"
MAX_EVENTS: Final = 1000
MAX_TEXT_BYTES: Final = 1024
MAX_MESSAGES: Final = 100_000
"""Of backlog: past it the oldest are lost."""

_HEADER: Final = Struct("<2sBxI")
_EVENT: Final = {1: Struct("<qHHHH"), 2: Struct("<qHHHHH")}
"""By format: the second has a request's id. It is used where there is one, so that processes of an
earlier version read what does not need it."""
_MAGIC: Final = b"UE"


class Event(NamedTuple):
    event_id: str
    kind: str  # "impression", or a task of the log schema: "click", "conversion"
    user_id: str
    item_id: str
    timestamp_ms: int
    request_id: str = ""
    """Of the answer that showed the item, where the caller said so."""


def encode(events: Sequence[Event]) -> bytes:
    """Raises ValueError past a bound."""
    if len(events) > MAX_EVENTS:
        raise ValueError(f"{len(events)} events in one message, at most {MAX_EVENTS}")
    form = 2 if any(event.request_id for event in events) else 1
    parts = [_HEADER.pack(_MAGIC, form, len(events))]
    for event in events:
        texts = [text.encode() for text in (*event[:4], event.request_id)[: 3 + form]]
        if max(map(len, texts)) > MAX_TEXT_BYTES:
            raise ValueError(f"a text of event {event.event_id[:40]!r} exceeds {MAX_TEXT_BYTES}")
        parts += [_EVENT[form].pack(event.timestamp_ms, *map(len, texts)), *texts]
    return b"".join(parts)


def decode(data: bytes) -> list[Event]:
    """Raises MessageCorrupt."""
    if len(data) < _HEADER.size:
        raise MessageCorrupt(f"{len(data)} bytes are fewer than an event message's header")
    magic, form, count = _HEADER.unpack_from(data)
    if magic != _MAGIC or form not in _EVENT or count > MAX_EVENTS:
        raise MessageCorrupt(f"not an event message of format 1 or 2: begins with {data[:3].hex()}")
    events, at = [], _HEADER.size
    for _ in range(count):
        event, at = _decode_one(data, at, _EVENT[form])
        events.append(event)
    if at != len(data):
        raise MessageCorrupt(f"{len(data) - at} bytes too many after {count} events")
    return events


def _decode_one(data: bytes, at: int, head: Struct) -> tuple[Event, int]:
    if at + head.size > len(data):
        raise MessageCorrupt("the message ends within an event")
    timestamp_ms, *lengths = head.unpack_from(data, at)
    at += head.size
    if max(lengths) > MAX_TEXT_BYTES or at + sum(lengths) > len(data):
        raise MessageCorrupt(f"texts of {lengths} bytes do not fit the message")
    texts = []
    for length in lengths:
        texts.append(data[at : at + length])
        at += length
    try:
        event_id, kind, user_id, item_id, *named = (text.decode() for text in texts)
    except UnicodeDecodeError as error:
        raise MessageCorrupt(f"a text is not UTF-8: {error}") from error
    return Event(event_id, kind, user_id, item_id, timestamp_ms, *named), at


class EventFeed:
    """Hands events to ingest. Past `stream_limit` messages of backlog the oldest are lost."""

    def __init__(self, streams: Streams, stream_limit: int = MAX_MESSAGES) -> None:
        self._streams = streams
        self._stream_limit = stream_limit

    async def append(self, events: Sequence[Event]) -> None:
        """Raises StoreUnavailable, and ValueError when a text is too long."""
        batches = [events[at : at + MAX_EVENTS] for at in range(0, len(events), MAX_EVENTS)]
        if batches:
            bodies = [encode(batch) for batch in batches]
            await self._streams.append(EVENTS_STREAM, bodies, self._stream_limit)
