"""A TCP proxy before a server on a unix socket, which can be told to do harm.

Proxies on PyPI delay and throttle; none knows where a reply begins, so none can replace, cut or
damage one.
"""

from pathlib import Path

from loadtest.chaos.listener import HOST, Listener
from tests.faults.fault import NONE, Fault
from tests.faults.link import Link
from tests.faults.loop_thread import LoopThread


class Proxy:
    """`fault` is what holds now. Everything but the constructor and `url` blocks the caller until
    it is done."""

    def __init__(self, thread: LoopThread, target: Path) -> None:
        self.target = target
        self.fault = NONE
        self._thread = thread
        self._listener = Listener(lambda reader, writer: Link(self, reader, writer))

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self._listener.port}/0"

    def start(self) -> None:
        self._thread.call(self._switch(self.fault))

    def stop(self) -> None:
        self._thread.call(self._switch(Fault(refuses=True)))

    def switch(self, fault: Fault) -> None:
        self._thread.call(self._switch(fault))

    async def _switch(self, fault: Fault) -> None:
        self.fault = fault
        await self._listener.switch(refuses=fault.refuses, resets=fault.resets)
