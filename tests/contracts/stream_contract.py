"""What every implementation of streams promises. Subclass, and give `streams` and `passes`."""

import asyncio

import pytest

from cache.streams import START, Message, Streams
from tests.contracts.store_contract import Pass

STREAM, GROUP = b"stream", b"group"


def bodies(messages: list[Message]) -> list[bytes]:
    return [message.body for message in messages]


async def read(streams: Streams, consumer: bytes = b"one", count: int = 10) -> list[Message]:
    return await streams.read_group(STREAM, GROUP, consumer, count, 0)


class StreamContract:
    async def test_group_reads_in_order_what_came_before_it(self, streams: Streams) -> None:
        await streams.append(STREAM, [b"1", b"2"], 100)
        await streams.ensure_group(STREAM, GROUP)
        await streams.append(STREAM, [b"3"], 100)
        assert bodies(await read(streams, count=2)) == [b"1", b"2"]
        assert bodies(await read(streams)) == [b"3"]
        assert await read(streams) == []

    async def test_group_may_be_ensured_again(self, streams: Streams) -> None:
        await streams.ensure_group(STREAM, GROUP)
        await streams.append(STREAM, [b"1"], 100)
        await read(streams)
        await streams.ensure_group(STREAM, GROUP)
        assert await streams.pending(STREAM, GROUP) == 1

    async def test_two_consumers_share_the_messages(self, streams: Streams) -> None:
        await streams.ensure_group(STREAM, GROUP)
        await streams.append(STREAM, [b"1", b"2", b"3"], 100)
        first = await read(streams, b"one", 2)
        second = await read(streams, b"two", 2)
        assert (bodies(first), bodies(second)) == ([b"1", b"2"], [b"3"])

    async def test_acknowledged_message_is_gone(self, streams: Streams) -> None:
        await streams.ensure_group(STREAM, GROUP)
        await streams.append(STREAM, [b"1", b"2"], 100)
        messages = await read(streams)
        await streams.acknowledge(STREAM, GROUP, [messages[0].id])
        assert await streams.pending(STREAM, GROUP) == 1
        assert await streams.length(STREAM) == 1

    async def test_acknowledging_nothing_or_twice_does_no_harm(self, streams: Streams) -> None:
        await streams.ensure_group(STREAM, GROUP)
        await streams.append(STREAM, [b"1"], 100)
        messages = await read(streams)
        for _ in range(2):
            await streams.acknowledge(STREAM, GROUP, [messages[0].id])
        await streams.acknowledge(STREAM, GROUP, [])
        assert await streams.length(STREAM) == 0

    async def test_acknowledging_what_the_server_forgot_does_no_harm(
        self, streams: Streams
    ) -> None:
        await streams.acknowledge(STREAM, GROUP, [b"9-99"])
        await streams.append(STREAM, [b"1"], 100)
        await streams.acknowledge(STREAM, GROUP, [b"9-99"])
        assert await streams.length(STREAM) == 1

    async def test_stale_message_moves_to_the_claimer(self, streams: Streams, passes: Pass) -> None:
        await streams.ensure_group(STREAM, GROUP)
        await streams.append(STREAM, [b"1", b"2"], 100)
        await read(streams, b"dead")
        assert await streams.claim_stale(STREAM, GROUP, b"heir", 50, 10) == []
        await passes(0.06)
        assert bodies(await streams.claim_stale(STREAM, GROUP, b"heir", 50, 1)) == [b"1"]
        assert bodies(await streams.claim_stale(STREAM, GROUP, b"heir", 50, 10)) == [b"2"]

    async def test_what_was_given_is_given_again_to_the_same_consumer(
        self, streams: Streams
    ) -> None:
        await streams.ensure_group(STREAM, GROUP)
        await streams.append(STREAM, [b"1", b"2", b"3", b"4"], 100)
        first = await streams.read_group(STREAM, GROUP, b"one", 3, 0)
        await streams.read_group(STREAM, GROUP, b"two", 1, 0)
        await streams.acknowledge(STREAM, GROUP, [first[0].id])
        assert bodies(await streams.given_before(STREAM, GROUP, b"one", 1)) == [b"2"]
        assert bodies(await streams.given_before(STREAM, GROUP, b"one", 9)) == [b"2", b"3"]
        assert await streams.given_before(STREAM, GROUP, b"three", 9) == []

    async def test_undelivered_message_is_not_claimed(self, streams: Streams) -> None:
        await streams.ensure_group(STREAM, GROUP)
        await streams.append(STREAM, [b"1"], 100)
        assert await streams.claim_stale(STREAM, GROUP, b"heir", 0, 10) == []

    async def test_length_stays_near_its_bound(self, streams: Streams) -> None:
        for _ in range(20):
            await streams.append(STREAM, [b"x"] * 100, 200)
        assert 200 <= await streams.length(STREAM) < 400

    async def test_message_lost_to_the_bound_is_not_claimed(
        self, streams: Streams, passes: Pass
    ) -> None:
        await streams.ensure_group(STREAM, GROUP)
        await streams.append(STREAM, [b"1"], 100)
        await read(streams)
        await streams.append(STREAM, [b"x"] * 1000, 1)
        await passes(0.06)
        assert await streams.claim_stale(STREAM, GROUP, b"heir", 50, 10) == []

    async def test_tail_reads_what_came_after_an_id(self, streams: Streams) -> None:
        assert await streams.last_id(STREAM) == START
        await streams.append(STREAM, [b"1"], 100)
        last = await streams.last_id(STREAM)
        await streams.append(STREAM, [b"2", b"3"], 100)
        tail = await streams.read_after(STREAM, last, 10, 0)
        assert bodies(tail) == [b"2", b"3"]
        assert bodies(await streams.read_after(STREAM, START, 2, 0)) == [b"1", b"2"]
        assert await streams.read_after(STREAM, tail[-1].id, 10, 0) == []

    async def test_streams_do_not_mix(self, streams: Streams) -> None:
        await streams.append(b"other", [b"1"], 100)
        assert await streams.length(STREAM) == 0

    async def test_backlog_is_what_is_not_acknowledged(self, streams: Streams) -> None:
        await streams.ensure_group(STREAM, GROUP)
        await streams.append(STREAM, [b"1", b"2", b"3"], 100)
        messages = await read(streams, count=2)
        assert await streams.backlog(STREAM, GROUP) == 3
        await streams.acknowledge(STREAM, GROUP, [messages[1].id])
        assert await streams.backlog(STREAM, GROUP) == 2


class ServerStreamContract(StreamContract):
    """Of streams that wait in real time."""

    @pytest.fixture
    def passes(self) -> Pass:
        return asyncio.sleep

    async def test_waiting_reader_is_woken(self, streams: Streams) -> None:
        await streams.ensure_group(STREAM, GROUP)
        waiting = asyncio.create_task(streams.read_group(STREAM, GROUP, b"one", 10, 1000))
        tailing = asyncio.create_task(streams.read_after(STREAM, b"0-0", 10, 1000))
        await streams.append(STREAM, [b"1"], 100)
        assert bodies(await waiting) == bodies(await tailing) == [b"1"]
