import asyncio
from collections.abc import Sequence

import pytest

from cache.errors import MessageCorrupt, StoreUnavailable
from cache.keys import DEAD_STREAM
from cache.memory_streams import MemoryStreams
from cache.refresh.consumer import Consumer
from cache.refresh.tally import Tally
from cache.streams import START, Message
from tests.cache.fake_clock import FakeClock

STREAM, GROUP = b"stream", b"group"


class Recording:
    """Doubles as work that fails as told."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.refused: set[str] = set()
        self.poison: set[str] = set()
        self.is_down = False

    def decode(self, body: bytes) -> str:
        if body == b"rubbish":
            raise MessageCorrupt("rubbish")
        return body.decode()

    async def process(self, values: Sequence[str]) -> list[bool]:
        self.batches.append(list(values))
        if self.is_down:
            raise StoreUnavailable("down")
        if self.poison & set(values):
            raise RuntimeError("poison")
        return [value not in self.refused for value in values]


class Loop:
    def __init__(self, name: bytes = b"one", like: "Loop | None" = None) -> None:
        self.clock: FakeClock = like.clock if like else FakeClock()
        self.streams: MemoryStreams = like.streams if like else MemoryStreams(self.clock)
        self.work = Recording()
        self.tally = Tally("test")
        self.consumer = Consumer(
            self.streams, STREAM, GROUP, name, self.work, self.tally,
            batch=4, claim_after_ms=1000, clock=self.clock,
        )  # fmt: skip

    async def send(self, *bodies: bytes) -> None:
        await self.streams.append(STREAM, bodies, 1000)

    async def left(self) -> tuple[int, int]:
        pending = await self.streams.pending(STREAM, GROUP)
        return await self.streams.length(STREAM), pending

    async def dead(self) -> list[bytes]:
        return [m.body for m in await self.streams.read_after(DEAD_STREAM, START, 9999, 0)]


async def test_messages_are_taken_in_batches_and_acknowledged() -> None:
    loop = Loop()
    await loop.send(b"1", b"2", b"3", b"4", b"5")
    assert [await loop.consumer.step() for _ in range(3)] == [4, 1, 0]
    assert loop.work.batches == [["1", "2", "3", "4"], ["5"]]
    assert await loop.left() == (0, 0)


async def test_nothing_is_acknowledged_before_it_is_written() -> None:
    loop = Loop()
    loop.work.is_down = True
    await loop.send(b"1")
    with pytest.raises(StoreUnavailable):
        await loop.consumer.step()
    assert await loop.left() == (1, 1)
    loop.work.is_down = False
    assert await loop.consumer.step() == 1
    assert loop.work.batches == [["1"], ["1"]]
    assert await loop.left() == (0, 0)


async def test_message_that_is_not_done_comes_again_alone() -> None:
    loop = Loop()
    loop.work.refused = {"2"}
    await loop.send(b"1", b"2", b"3")
    assert await loop.consumer.step() == 2
    assert await loop.left() == (1, 1)
    loop.work.refused = set()
    assert await loop.consumer.step() == 1
    assert loop.work.batches[1] == ["2"]


async def test_messages_of_a_dead_consumer_are_claimed_at_start() -> None:
    dead = Loop(b"dead")
    dead.work.is_down = True
    await dead.send(b"1", b"2")
    with pytest.raises(StoreUnavailable):
        await dead.consumer.step()
    dead.clock.now += 1.0
    heir = Loop(b"heir", like=dead)
    assert await heir.consumer.step() == 2
    assert await heir.left() == (0, 0)
    assert heir.tally.counts["messages", "claimed"] == 2


async def test_messages_of_a_dead_consumer_are_claimed_later_too() -> None:
    dead = Loop(b"dead")
    heir = Loop(b"heir", like=dead)
    await heir.consumer.step()
    dead.work.is_down = True
    await dead.send(b"1")
    with pytest.raises(StoreUnavailable):
        await dead.consumer.step()
    assert await heir.consumer.step() == 0
    dead.clock.now += 1.0
    assert await heir.consumer.step() == 1


async def test_rubbish_is_buried_and_acknowledged() -> None:
    loop = Loop()
    await loop.send(b"1", b"rubbish", b"2")
    assert await loop.consumer.step() == 3
    assert loop.work.batches == [["1", "2"]]
    [letter] = await loop.dead()
    assert letter.endswith(b"\0rubbish")
    assert b"MessageCorrupt" in letter
    assert await loop.left() == (0, 0)


async def test_poison_is_buried_and_its_batch_survives() -> None:
    loop = Loop()
    loop.work.poison = {"2"}
    await loop.send(b"1", b"2", b"3")
    assert await loop.consumer.step() == 3
    assert loop.work.batches == [["1", "2", "3"], ["1"], ["2"], ["3"]]
    [letter] = await loop.dead()
    assert b"RuntimeError: poison" in letter
    assert loop.tally.counts["messages", "dead"] == 1
    assert loop.tally.counts["messages", "done"] == 2


async def test_dead_letters_are_bounded() -> None:
    loop = Loop()
    for _ in range(300):
        await loop.send(*[b"rubbish"] * 4)
        await loop.consumer.step()
    assert len(await loop.dead()) == 1000


async def test_burial_is_logged_with_the_reason_and_without_the_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = Loop()
    loop.work.poison = {"secret"}
    await loop.send(b"secret")
    await loop.consumer.step()
    [line] = [record.getMessage() for record in caplog.records if "nobody" in record.msg]
    assert line == "a message of stream can be used by nobody: RuntimeError: poison"


async def test_stop_finishes_the_batch_in_hand() -> None:
    loop = Loop()
    stop = asyncio.Event()

    class Stopping(Recording):
        async def process(self, values: Sequence[str]) -> list[bool]:
            stop.set()
            await asyncio.sleep(0)
            return await super().process(values)

    await loop.send(b"1", b"2", b"3", b"4", b"5")
    loop.consumer = Consumer(
        loop.streams, STREAM, GROUP, b"one", Stopping(), loop.tally, batch=4, clock=loop.clock
    )
    await loop.consumer.run(stop)
    assert await loop.left() == (1, 0)


async def test_unavailable_store_is_waited_out() -> None:
    loop = Loop()
    stop = asyncio.Event()

    class Recovering(Recording):
        async def process(self, values: Sequence[str]) -> list[bool]:
            self.is_down = not self.batches
            done = await super().process(values)
            stop.set()
            return done

    work = Recovering()
    consumer = Consumer(loop.streams, STREAM, GROUP, b"one", work, loop.tally, clock=loop.clock)
    await loop.send(b"1")
    await consumer.run(stop)
    assert work.batches == [["1"], ["1"]]
    assert loop.tally.counts["messages", "postponed"] == 1
    assert await loop.left() == (0, 0)


class Forgetful(MemoryStreams):
    """Gives messages once in an answer that is lost on its way."""

    def __init__(self) -> None:
        super().__init__(FakeClock())
        self.is_lost = False

    async def read_group(
        self, stream: bytes, group: bytes, consumer: bytes, count: int, block_ms: int
    ) -> list[Message]:
        given = await super().read_group(stream, group, consumer, count, block_ms)
        if given and not self.is_lost:
            self.is_lost = True
            raise StoreUnavailable("the answer came too late")
        return given


async def test_what_was_given_in_a_lost_answer_is_not_left_to_be_claimed() -> None:
    streams, stop = Forgetful(), asyncio.Event()

    class Counting(Recording):
        async def process(self, values: Sequence[str]) -> list[bool]:
            done = await super().process(values)
            if "3" in values:
                stop.set()
            return done

    work = Counting()
    await streams.append(STREAM, [b"1", b"2", b"3"], 100)
    await Consumer(streams, STREAM, GROUP, b"one", work, Tally("test"), batch=2).run(stop)
    assert work.batches == [["1", "2"], ["3"]]
    assert await streams.length(STREAM) == 0
