import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from redis.asyncio import Redis

from cache.connection import connect
from cache.errors import StoreUnavailable
from cache.line import Line
from cache.pipelined_reads import PipelinedReads

Say = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def reads_from(say: Say, answer_s: float = 60.0) -> AsyncIterator[PipelinedReads]:
    """Reads of a server that greets as Redis does, and says this once it is asked."""

    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while b"MGET" not in (said := (await reader.read(4096)).upper()):
            writer.write(b"+OK\r\n" * said.count(b"SETINFO"))
        with suppress(ConnectionError):
            await say(reader, writer)
            writer.close()
            await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = connect(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    reads = PipelinedReads(lambda: Line.open(client, answer_s))
    yield reads
    await reads.close()
    await asyncio.wait_for(left.wait(), 5.0)
    server.close()
    await client.aclose()


async def test_answers_find_their_callers_though_some_gave_up() -> None:
    may_answer = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may_answer.wait()
        writer.write(b"".join(b"*1\r\n$1\r\n%d\r\n" % number for number in range(4)))
        await reader.read()

    async with reads_from(say) as reads:
        asked = [asyncio.create_task(reads.get_many([b"k"])) for _ in range(4)]
        await asyncio.sleep(0.05)
        asked[1].cancel()
        may_answer.set()
        assert [await asked[at] for at in (0, 2, 3)] == [[b"0"], [b"2"], [b"3"]]


async def test_lost_connection_is_tried_once_more() -> None:
    connections = 0

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections > 1:
            writer.write(b"*1\r\n$-1\r\n")
            await reader.read()

    async with reads_from(say) as reads:
        assert await reads.get_many([b"k"]) == [None]
        assert connections == 2


async def test_server_that_answers_unasked_is_left() -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n")
        await reader.read()

    async with reads_from(say) as reads:
        assert [await reads.get_many([b"k"]) for _ in range(3)] == [[b"a"]] * 3


async def test_damaged_count_gives_nobody_the_answer_of_another() -> None:
    """`*1` came as `*2`, and so took the next answer for a part of the first."""
    connections = 0

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        counts = [2, 1, 1] if connections == 1 else [1, 1, 1]
        told = zip(counts, b"abc", strict=True)
        writer.write(b"".join(b"*%d\r\n$1\r\n%c\r\n" % each for each in told))
        await reader.read()

    async with reads_from(say) as reads:
        got = await asyncio.gather(*(reads.get_many([b"k"]) for _ in range(3)))
        assert got == [[b"a"], [b"b"], [b"c"]]
        assert connections == 2


async def test_silent_line_is_given_up_for_a_new_one() -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with reads_from(say, answer_s=0.0) as reads:
        first = asyncio.create_task(reads.get_many([b"k"]))
        await asyncio.sleep(0.1)
        line = reads._line
        assert line is not None
        assert not line.is_good()
        first.cancel()


async def test_closing_ends_a_read_under_way() -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with reads_from(say) as reads:
        asked = asyncio.create_task(reads.get_many([b"k"]))
        await asyncio.sleep(0.1)
        await reads.close()
        with pytest.raises(StoreUnavailable):
            await asked


@pytest.mark.redis
async def test_many_concurrent_reads_take_one_connection(client: Redis, redis_url: str) -> None:
    await client.mset({f"k{number}": number for number in range(100)})
    reader = connect(redis_url)
    reads = PipelinedReads(lambda: Line.open(reader, 2.0))
    before = len(await client.client_list())
    got = await asyncio.gather(*(reads.get_many([f"k{n}".encode()]) for n in range(100)))
    assert got == [[str(number).encode()] for number in range(100)]
    assert len(await client.client_list()) == before + 1
    await reads.close()
    await reader.aclose()


async def test_closed_port_is_unavailable_to_everyone_who_waits() -> None:
    client = connect("redis://127.0.0.1:1/0")
    reads = PipelinedReads(lambda: Line.open(client, 2.0))
    told = await asyncio.gather(*(reads.get_many([b"k"]) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(error, StoreUnavailable) for error in told)
    await reads.close()
    await client.aclose()
