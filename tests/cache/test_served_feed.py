import asyncio
from collections.abc import Callable, Sequence

import pytest

from cache.errors import StoreUnavailable
from cache.keys import SERVED_STREAM
from cache.memory_streams import MemoryStreams
from cache.served import Served, decode
from cache.served_feed import AT_ONCE, ServedFeed
from cache.streams import START
from tests.cache.served_requests import make_served


class CountedStreams(MemoryStreams):
    """Remembers how many messages came at once; down while told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.is_down = False
        self.appended = asyncio.Event()

    async def append(self, stream: bytes, bodies: Sequence[bytes], max_length: int) -> None:
        if self.is_down:
            raise StoreUnavailable("down")
        await super().append(stream, bodies, max_length)
        self.sizes.append(len(bodies))
        self.appended.set()

    async def sent(self) -> list[str]:
        messages = await self.read_after(SERVED_STREAM, START, 1000, 0)
        return [decode(message.body).request_id for message in messages]


def named(request_id: str, count: int = 3) -> Callable[[], Served]:
    return lambda: make_served(count, request_id=request_id)


def fails() -> Served:
    raise AssertionError("made though there is no room")


async def test_offered_requests_are_appended_in_their_order() -> None:
    streams = CountedStreams()
    feed = ServedFeed(streams)
    for number in range(3):
        feed.offer(named(str(number)))
    await feed.flush()
    assert await streams.sent() == ["0", "1", "2"]
    assert (feed.counts["offered"], feed.counts["sent"], feed.counts["refused"]) == (3, 3, 0)


async def test_full_queue_drops_counts_and_makes_nothing() -> None:
    streams = CountedStreams()
    feed = ServedFeed(streams, queue_limit=2)
    feed.offer(named("a"))
    feed.offer(named("b"))
    feed.offer(fails)
    await feed.flush()
    assert await streams.sent() == ["a", "b"]
    assert (feed.counts["offered"], feed.counts["dropped"]) == (2, 1)


async def test_request_past_a_bound_does_not_hold_up_the_others() -> None:
    streams = CountedStreams()
    feed = ServedFeed(streams)
    feed.offer(named("a", count=5000))
    feed.offer(named("\ud800"))
    feed.offer(named("b"))
    await feed.flush()
    assert await streams.sent() == ["b"]
    assert (feed.counts["refused"], feed.counts["sent"]) == (2, 1)


async def test_what_cannot_be_appended_is_dropped_and_counted() -> None:
    streams = CountedStreams()
    feed = ServedFeed(streams)
    streams.is_down = True
    feed.offer(named("a"))
    await feed.flush()
    streams.is_down = False
    feed.offer(named("b"))
    await feed.flush()
    assert await streams.sent() == ["b"]
    assert (feed.counts["failed"], feed.counts["sent"]) == (1, 1)


async def test_many_requests_are_appended_a_few_at_a_time() -> None:
    streams = CountedStreams()
    feed = ServedFeed(streams)
    for number in range(AT_ONCE + 3):
        feed.offer(named(str(number)))
    await feed.flush()
    assert (max(streams.sizes), sum(streams.sizes)) == (AT_ONCE, AT_ONCE + 3)


async def test_stream_keeps_the_newest_within_its_limit() -> None:
    streams = CountedStreams()
    feed = ServedFeed(streams, stream_limit=2)
    for number in range(4):
        feed.offer(named(str(number)))
    await feed.flush()
    assert await streams.sent() == ["2", "3"]


async def test_running_feed_sends_and_stops_when_cancelled() -> None:
    streams = CountedStreams()
    feed = ServedFeed(streams, flush_s=0.0)
    running = asyncio.create_task(feed.run())
    feed.offer(named("a"))
    await streams.appended.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await streams.sent() == ["a"]
