"""A small HTTP server on a socket that says what it is told to, well or badly."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Self

import msgspec

Say = Callable[[asyncio.StreamWriter], Awaitable[None]]
RANKING = {
    "request_id": "r-1",
    "model": "student",
    "version": "1a2b3c4d5e6f",
    "lane": "stable",
    "item_ids": ["item-2", "item-1"],
    "scores": [0.25, 0.125],
    "coverage": {"pair": 1.0, "neighbour": 0.0, "user": 0.0, "item": 0.0, "none": 0.0},
    "teacher_age_s": 1.5,
    "degraded": [],
}


class Heard(NamedTuple):
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        return dict(msgspec.msgpack.decode(self.body))


class ScriptedGateway:
    """Each request is answered by the next of `script`, in a thread of its own event loop."""

    def __init__(self) -> None:
        self.script: deque[Say] = deque()
        self.heard: list[Heard] = []
        self.connections = 0
        self.url = ""
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def answers(self, *script: Say) -> None:
        self.script.extend(script)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(30.0)
        return self

    def __exit__(self, *ending: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30.0)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._started.set()
        await self._end.wait()
        server.close()
        talks = asyncio.all_tasks() - {asyncio.current_task()}
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                self.heard.append(await _hear(reader))
                await self.script.popleft()(writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the caller left, or the test is over
        finally:
            writer.close()


async def _hear(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.strip().split("\r\n")
    pairs = (entry.partition(":") for entry in rest)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Heard(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def head(status: int, length: int, **headers: str) -> bytes:
    fields = {"content-length": str(length)} | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode()


def say(status: int, body: bytes, **headers: str) -> Say:
    async def said(writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, len(body), **headers) + body)
        await writer.drain()

    return said


def ranked(**more: Any) -> Say:
    body = msgspec.msgpack.encode(RANKING | more)
    return say(200, body, content_type="application/msgpack", server_timing="total;dur=1.5")


def problem(status: int, detail: str = "no", retry_after: str | None = None, **more: Any) -> Say:
    body = json.dumps({"title": "No", "status": status, "detail": detail} | more).encode()
    headers = {} if retry_after is None else {"retry_after": retry_after}
    return say(status, body, content_type="application/problem+json", **headers)


def later(seconds: float, then: Say) -> Say:
    async def said(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await then(writer)

    return said


def slowly(answer: bytes, each_s: float) -> Say:
    """Byte by byte."""

    async def said(writer: asyncio.StreamWriter) -> None:
        for byte in answer:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(each_s)

    return said


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def cut_off(writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, 1000) + b"half of it")
    await writer.drain()
    writer.close()
