import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.demand import MAX_PAIRS, Demand, DemandFeed, decode, encode
from cache.errors import MessageCorrupt, StoreUnavailable
from cache.keys import demand_stream
from cache.memory_streams import MemoryStreams
from cache.streams import START
from tests.cache.fake_clock import FakeClock

STREAM = demand_stream("space")


def make_demand(user_id: str = "u", items: tuple[int, ...] = (1, 2), context: int = 9) -> Demand:
    return Demand(
        user_id,
        as_of_ms=1000,
        context=np.array([context], np.uint64),
        context_numbers=np.array([0.5, np.nan], np.float32),
        item_keys=np.array(items, np.uint64),
        scores=np.linspace(0, 1, len(items)).astype(np.float32),
    )


class DownStreams(MemoryStreams):
    async def append(self, stream: bytes, bodies: object, max_length: int) -> None:
        raise StoreUnavailable("down")


class WatchedStreams(MemoryStreams):
    def __init__(self) -> None:
        super().__init__()
        self.appended = asyncio.Event()

    async def append(self, stream: bytes, bodies: Sequence[bytes], max_length: int) -> None:
        await super().append(stream, bodies, max_length)
        self.appended.set()


class Feeding:
    def __init__(self, streams: MemoryStreams | None = None, queue_limit: int = 10) -> None:
        self.clock = FakeClock()
        self.streams = streams or MemoryStreams()
        self.feed = DemandFeed(
            self.streams,
            "space",
            queue_limit=queue_limit,
            window_s=10.0,
            flush_s=0.0,
            clock=self.clock,
            wall_ms=lambda: 5000,
        )

    async def sent(self) -> list[Demand]:
        messages = await self.streams.read_after(STREAM, START, 100, 0)
        return [decode(message.body).demand for message in messages]


@given(
    st.text(max_size=50),
    st.lists(st.integers(0, (1 << 64) - 1), max_size=50),
    st.lists(st.integers(0, (1 << 64) - 1), max_size=4),
    st.lists(st.floats(width=32), max_size=4),
)
def test_demand_reads_back(
    user_id: str, items: list[int], context: list[int], numbers: list[float]
) -> None:
    demand = Demand(
        user_id,
        -5,
        np.array(context, np.uint64),
        np.array(numbers, np.float32),
        np.array(items, np.uint64),
        np.arange(len(items), dtype=np.float32),
    )
    back, enqueued_ms = decode(encode(demand, 77))
    assert (back.user_id, back.as_of_ms, enqueued_ms) == (user_id, -5, 77)
    for written, read in zip(demand[2:], back[2:], strict=True):
        np.testing.assert_array_equal(read, written)


@given(st.binary(max_size=200))
def test_rubbish_is_no_demand(data: bytes) -> None:
    for rubbish in (data, b"UD\x01" + data):
        with pytest.raises(MessageCorrupt):
            decode(rubbish)


@given(st.integers(0, 200))
def test_cut_demand_is_found(length: int) -> None:
    encoded = encode(make_demand("useré", (1, 2, 3)), 0)
    with pytest.raises(MessageCorrupt):
        decode(encoded[: min(length, len(encoded) - 1)])


def test_unbounded_demand_is_not_written() -> None:
    with pytest.raises(ValueError, match="pairs"):
        encode(make_demand(items=tuple(range(MAX_PAIRS + 1))), 0)


async def test_offered_demands_are_appended_with_their_time() -> None:
    feeding = Feeding()
    feeding.feed.offer(make_demand())
    await feeding.feed.flush()
    messages = await feeding.streams.read_after(STREAM, START, 9, 0)
    assert [decode(message.body).enqueued_ms for message in messages] == [5000]
    assert feeding.feed.counts == {"offered": 1, "sent": 1}


async def test_demand_past_a_bound_does_not_hold_up_the_others() -> None:
    feeding = Feeding()
    for user in ("u" * 2000, "\ud800", "b"):
        feeding.feed.offer(make_demand(user))
    await feeding.feed.flush()
    assert [demand.user_id for demand in await feeding.sent()] == ["b"]
    assert feeding.feed.counts["refused"] == 2


async def test_full_queue_drops_and_counts() -> None:
    feeding = Feeding(queue_limit=2)
    for user in "abc":
        feeding.feed.offer(make_demand(user))
    await feeding.feed.flush()
    assert [demand.user_id for demand in await feeding.sent()] == ["a", "b"]
    assert feeding.feed.counts["dropped"] == 1


async def test_pair_is_asked_for_once_within_the_window() -> None:
    feeding = Feeding()
    for items in ((1, 2), (2, 3), (1, 3)):
        feeding.feed.offer(make_demand(items=items))
    await feeding.feed.flush()
    sent = await feeding.sent()
    assert [demand.item_keys.tolist() for demand in sent] == [[1, 2], [3]]
    assert sent[1].scores.tolist() == [1.0]
    assert feeding.feed.counts["duplicate"] == 1


async def test_pair_is_asked_for_again_after_the_window() -> None:
    feeding = Feeding()
    for _ in range(2):
        feeding.feed.offer(make_demand())
        await feeding.feed.flush()
        feeding.clock.now += 10.0
    assert len(await feeding.sent()) == 2


async def test_other_user_or_context_is_another_pair() -> None:
    feeding = Feeding()
    for demand in (make_demand("a"), make_demand("b"), make_demand("a", context=8)):
        feeding.feed.offer(demand)
    await feeding.feed.flush()
    assert len(await feeding.sent()) == 3


async def test_demand_that_failed_may_be_asked_again_at_once() -> None:
    feeding = Feeding(DownStreams())
    for _ in range(2):
        feeding.feed.offer(make_demand())
        await feeding.feed.flush()
    assert feeding.feed.counts["failed"] == 2
    assert feeding.feed.counts["duplicate"] == 0


async def test_running_feed_sends_and_stops_when_cancelled() -> None:
    streams = WatchedStreams()
    feeding = Feeding(streams)
    running = asyncio.create_task(feeding.feed.run())
    feeding.feed.offer(make_demand())
    await streams.appended.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_many_users_do_not_grow_the_window_without_bound() -> None:
    feeding = Feeding(queue_limit=10_000)
    for user in range(5000):
        feeding.feed.offer(make_demand(str(user)))
    feeding.feed.offer(make_demand("0"))
    await feeding.feed.flush()
    assert feeding.feed.counts["sent"] == 5001
