"""One client's connection through the proxy."""

import asyncio
from collections import deque
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final, NamedTuple, Protocol

from loadtest.chaos.listener import reset
from tests.faults.delay_line import DelayLine
from tests.faults.fault import Fault
from tests.faults.frames import Frames, command_of, flipped

AT_ONCE: Final = 1 << 16
PING: Final = b"*1\r\n$4\r\nPING\r\n"
READS: Final = frozenset({b"GET", b"MGET"})


class Owner(Protocol):
    @property
    def fault(self) -> Fault: ...
    @property
    def target(self) -> Path: ...


class _Flying(NamedTuple):
    """A command without an answer yet; `error` will take the answer's place."""

    name: bytes
    error: bytes | None


class Link:
    """Reads whole commands and replies, also while nothing is wrong: a fault may begin at any
    command."""

    def __init__(
        self, owner: Owner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._owner = owner
        self._reader, self._writer = reader, writer
        self._to_client = DelayLine(writer)
        self._to_server: asyncio.StreamWriter | None = None
        self._flying: deque[_Flying] = deque()
        self._is_dead = False
        self._cut = 0
        self._random = Random(1)

    async def run(self) -> None:
        """Until either side closes."""
        try:
            if self._owner.fault.resets:
                return self.reset()
            reader, self._to_server = await asyncio.open_unix_connection(self._owner.target)
            pumps = [
                asyncio.create_task(self._asked()),
                asyncio.create_task(self._answered(reader)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)
        except OSError:
            self.reset()
        finally:
            self._close()
        return None

    def reset(self) -> None:
        reset(self._writer)

    def _close(self) -> None:
        for writer in (self._writer, self._to_server):
            if writer is not None:
                writer.close()

    async def _asked(self) -> None:
        frames = Frames()
        with suppress(OSError):
            while data := await self._reader.read(AT_ONCE):
                for frame in frames.feed(data):
                    self._ask(frame)

    async def _answered(self, reader: asyncio.StreamReader) -> None:
        frames = Frames()
        with suppress(OSError):
            while data := await reader.read(AT_ONCE):
                for frame in frames.feed(data):
                    self._answer(frame)

    def _ask(self, frame: bytes) -> None:
        fault, name = self._owner.fault, command_of(frame)
        self._is_dead |= fault.is_silent
        if self._is_dead or self._to_server is None:
            return
        error = fault.error if fault.concerns(name) else None
        self._flying.append(_Flying(name, error))
        self._to_server.write(frame if error is None else PING)

    def _answer(self, frame: bytes) -> None:
        """A server that is full says so before it was asked."""
        fault = self._owner.fault
        self._is_dead |= fault.is_silent
        if self._is_dead:
            return
        name, error = self._flying.popleft() if self._flying else _Flying(b"", None)
        if error is not None:
            frame = b"-" + error + b"\r\n"
        if fault.flips and name in READS:
            frame = flipped(frame, self._random)
        self._send(frame, fault.delay_s if fault.concerns(name) else 0.0, fault.cut_after)

    def _send(self, frame: bytes, delay_s: float, cut_after: int | None) -> None:
        if cut_after is None:
            self._to_client.send(frame, delay_s)
            return
        left = cut_after - self._cut
        self._cut += len(frame)
        self._to_client.send(frame[: max(left, 0)], delay_s)
        if self._cut > cut_after:
            self._writer.close()
