"""A proxy's port: connections that can be reset all at once, and a door that can be shut."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

HOST: Final = "127.0.0.1"
RESET: Final = struct.pack("ii", 1, 0)
"""Linger for no time: a close is a reset."""


class Link(Protocol):
    """One client's connection."""

    async def run(self) -> None:
        """Until either side closes."""

    def reset(self) -> None: ...


class Listener:
    def __init__(
        self, link: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Link], port: int = 0
    ) -> None:
        """A port of 0 is chosen once, by the first to listen."""
        self.port = port
        self._link = link
        self._gone: dict[Link, asyncio.Event] = {}
        self._server: asyncio.Server | None = None

    async def switch(self, *, refuses: bool, resets: bool) -> None:
        """Holds when it returns."""
        if refuses and self._server is not None:
            self._server.close()
            self._server = None
        if resets or refuses:
            await self._reset()
        if not refuses and self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _reset(self) -> None:
        gone = list(self._gone.values())
        for link in list(self._gone):
            link.reset()
        await asyncio.gather(*(each.wait() for each in gone))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = self._link(reader, writer)
        gone = self._gone[link] = asyncio.Event()
        try:
            await link.run()
        finally:
            del self._gone[link]
            gone.set()


def reset(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
