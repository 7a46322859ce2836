"""One keep-alive HTTP/1.1 connection, lean enough to load a gateway from one core."""

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

from loadtest.errors import AnswerUnreadable, GatewayUnreachable

MAX_HEAD_BYTES: Final = 64 << 10
MAX_BODY_BYTES: Final = 64 << 20


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Head(NamedTuple):
    status: int
    headers: dict[str, str]

    @property
    def body_bytes(self) -> int:
        """Raises AnswerUnreadable without a usable content-length."""
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            raise AnswerUnreadable(f"content-length {length!r}: give one up to {MAX_BODY_BYTES}")
        return int(length)


class Connection:
    """One request at a time; whoever holds it owns it. Reconnects where the server closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, request: bytes) -> Answer:
        """`request` is a whole HTTP/1.1 request, see `encode`. Raises LoadTestError."""
        is_reused = self._reader is not None and not self._reader.at_eof()
        try:
            return await self.send_once(request)
        except GatewayUnreachable:
            # A server may close an idle connection while a request is on its way to it.
            if is_reused:
                return await self.send(request)
            raise

    async def send_once(self, request: bytes) -> Answer:
        """What a server that drops connections costs has to show. Raises LoadTestError."""
        try:
            return await self._exchange(request)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise GatewayUnreachable(f"{self._host}:{self._port}: {error!r}") from error
        except asyncio.LimitOverrunError as error:
            self.close()
            raise AnswerUnreadable(f"headers longer than {MAX_HEAD_BYTES} bytes") from error
        except BaseException:
            self.close()  # half an answer may still come: nobody must read it as his own
            raise

    async def _exchange(self, request: bytes) -> Answer:
        reader, writer = await self._streams()
        writer.write(request)
        raw = await reader.readuntil(b"\r\n\r\n")
        head = parse_head(raw)
        body = await reader.readexactly(head.body_bytes)
        if head.headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(head.status, head.headers, body)

    async def _streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self.close()
            opened = await asyncio.open_connection(self._host, self._port, limit=MAX_HEAD_BYTES)
            self._reader, self._writer = opened
            return opened
        return self._reader, self._writer

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def encode(
    method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    """The bytes of one request; JSON unless `headers` name another content type."""
    fields = {"host": "gateway", "content-type": "application/json"} | dict(headers or {})
    fields["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def parse_head(raw: bytes) -> Head:
    """Status line and headers, ended by an empty line. Raises AnswerUnreadable."""
    lines = raw.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():
        raise AnswerUnreadable(f"status line {lines[0][:80]!r}: is this an HTTP server?")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return Head(int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs})
