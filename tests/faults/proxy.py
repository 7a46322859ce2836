"""A TCP proxy before a server on a unix socket, which can be told to do harm.

Proxies on PyPI delay and throttle; none knows where a reply begins, so none can replace, cut or
damage one.
"""

import asyncio
from pathlib import Path
from typing import Final

from tests.faults.fault import NONE, Fault
from tests.faults.link import Link
from tests.faults.loop_thread import LoopThread

HOST: Final = "127.0.0.1"


class Proxy:
    """`fault` is what holds now. Everything but the constructor and `url` blocks the caller until
    it is done."""

    def __init__(self, thread: LoopThread, target: Path) -> None:
        self.target = target
        self.fault = NONE
        self._thread = thread
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self._port}/0"

    def start(self) -> None:
        self._thread.call(self._listen())

    def stop(self) -> None:
        self._thread.call(self._switch(Fault(refuses=True)))

    def switch(self, fault: Fault) -> None:
        self._thread.call(self._switch(fault))

    async def _switch(self, fault: Fault) -> None:
        self.fault = fault
        if fault.refuses and self._server is not None:
            self._server.close()
            self._server = None
        if fault.resets or fault.refuses:
            await self._reset()
        if not fault.refuses and self._server is None:
            await self._listen()

    async def _reset(self) -> None:
        links = list(self._links)
        for link in links:
            link.reset()
        await asyncio.gather(*(link.gone.wait() for link in links))

    async def _listen(self) -> None:
        """On the same port as before."""
        self._server = await asyncio.start_server(self._serve, HOST, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(self, reader, writer)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)
            link.gone.set()
