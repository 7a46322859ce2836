"""What a worker tells its siblings on a unix socket: all of it to whoever connects."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

SILENT_S: Final = 0.2
MAX_BYTES: Final = 8 << 20


class Telling:
    """While it is entered."""

    def __init__(self, socket: Path, say: Callable[[], bytes]) -> None:
        self._socket = socket
        self._say = say
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._tell, self._socket)
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._server is not None:
            self._server.close()
            self._socket.unlink(missing_ok=True)

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A sibling that has left meanwhile is none of this one's business."""
        with contextlib.suppress(OSError):
            writer.write(self._say())
            await writer.drain()
        writer.close()


async def heard(socket: Path) -> bytes | None:
    """None from one that does not answer in time, or says too much."""
    try:
        async with asyncio.timeout(SILENT_S):
            reader, writer = await asyncio.open_unix_connection(socket, limit=MAX_BYTES)
            with contextlib.closing(writer):
                return await _whole(reader)
    except (OSError, TimeoutError):
        return None


async def _whole(reader: asyncio.StreamReader) -> bytes | None:
    said = bytearray()
    while len(said) <= MAX_BYTES:
        part = await reader.read(1 << 18)
        if not part:
            return bytes(said) or None
        said += part
    return None
