import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.connection import Connection, encode, parse_head
from loadtest.errors import AnswerUnreadable, GatewayUnreachable, LoadTestError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer-Timing: total;dur=1.5\r\n\r\nhi"
ASK = encode("POST", "/v1/rank", b"{}")


@asynccontextmanager
async def _listening(serve: Serve) -> AsyncIterator[Connection]:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(closing, "127.0.0.1", 0)
    async with server:
        connection = Connection("127.0.0.1", server.sockets[0].getsockname()[1])
        yield connection
        connection.close()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(2)


async def test_answers_follow_each_other_on_one_connection() -> None:
    accepted = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal accepted
        accepted += 1
        for _ in range(3):
            await _read_request(reader)
            writer.write(OK)

    async with _listening(serve) as connection:
        for _ in range(3):
            answer = await connection.send(ASK)
            assert (answer.status, answer.body) == (200, b"hi")
            assert answer.headers["server-timing"] == "total;dur=1.5"
    assert accepted == 1


async def test_connection_closed_while_idle_is_opened_again() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(OK)
        await writer.drain()

    async with _listening(serve) as connection:
        for _ in range(3):
            assert (await connection.send(ASK)).status == 200


async def test_answer_cut_short_is_an_error_and_not_an_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(OK[:-1])

    async with _listening(serve) as connection:
        with pytest.raises(GatewayUnreachable):
            await connection.send(ASK)


async def test_nobody_listening_names_the_address() -> None:
    async with _listening(lambda reader, writer: asyncio.sleep(0)) as connection:
        pass
    with pytest.raises(GatewayUnreachable, match=r"127\.0\.0\.1"):
        await connection.send(ASK)


@pytest.mark.parametrize(
    "head", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\r\n\r\n", b"HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_status_line_is_unreadable(head: bytes) -> None:
    with pytest.raises(AnswerUnreadable, match="status line"):
        parse_head(head)


@pytest.mark.parametrize("length", [b"", b"content-length: -1\r\n", b"content-length: 9e9\r\n"])
def test_length_that_is_missing_or_absurd_is_unreadable(length: bytes) -> None:
    with pytest.raises(AnswerUnreadable, match="content-length"):
        _ = parse_head(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n").body_bytes


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_refused_with_our_error(raw: bytes) -> None:
    try:
        head = parse_head(raw + b"\r\n\r\n")
    except LoadTestError:
        return
    assert head.status >= 0
