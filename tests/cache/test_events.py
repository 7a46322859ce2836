import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.errors import MessageCorrupt
from cache.events import MAX_EVENTS, MAX_TEXT_BYTES, Event, EventFeed, decode, encode
from cache.keys import EVENTS_STREAM
from cache.memory_streams import MemoryStreams
from cache.streams import START

texts = st.text(max_size=30)
events = st.builds(
    Event,
    texts,
    st.sampled_from(["impression", "click"]),
    texts,
    texts,
    st.integers(0, 1 << 62),
    texts,
)


@given(st.lists(events, max_size=20))
def test_events_read_back(batch: list[Event]) -> None:
    assert decode(encode(batch)) == batch


@given(st.binary(max_size=100))
def test_rubbish_is_no_event_message(data: bytes) -> None:
    for rubbish in (data, b"UE\x01\x00\xff" + data, b"UE\x02\x00\xff" + data):
        with pytest.raises(MessageCorrupt):
            decode(rubbish)


@given(st.lists(events, min_size=1, max_size=3), st.data())
def test_cut_message_is_found(batch: list[Event], data: st.DataObject) -> None:
    encoded = encode(batch)
    with pytest.raises(MessageCorrupt):
        decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])
    with pytest.raises(MessageCorrupt):
        decode(encoded + b"\0")


def test_message_that_names_no_request_is_read_by_processes_of_the_first_format() -> None:
    told = Event("e", "click", "u", "i", 7)
    first = b"UE\x01\x00\x01\x00\x00\x00" + struct.pack("<qHHHH", 7, 1, 5, 1, 1) + b"eclickui"
    assert encode([told]) == first
    assert decode(first) == [told]
    assert encode([told._replace(request_id="r")])[2] == 2


def test_text_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(ValueError, match="exceeds"):
        encode([Event("e", "click", "u" * (MAX_TEXT_BYTES + 1), "i", 0)])


async def test_large_batch_is_split_in_order() -> None:
    streams = MemoryStreams()
    batch = [Event(str(n), "impression", "u", "i", n) for n in range(MAX_EVENTS + 3)]
    await EventFeed(streams).append(batch)
    messages = await streams.read_after(EVENTS_STREAM, START, 10, 0)
    parts = [decode(message.body) for message in messages]
    assert [len(part) for part in parts] == [MAX_EVENTS, 3]
    assert parts[0] + parts[1] == batch


async def test_nothing_is_appended_for_no_events() -> None:
    streams = MemoryStreams()
    await EventFeed(streams).append([])
    assert await streams.length(EVENTS_STREAM) == 0
