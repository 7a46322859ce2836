"""A TCP proxy before a unix socket that is told on its stdin what goes wrong.

python -m loadtest.chaos.proxy PORT SOCKET

A line is a JSON object of Trouble's fields and is answered by `ok` once it holds. It knows bytes
and not what they mean, as a network does: tests/faults has one that knows replies.
"""

import asyncio
import json
import sys
from contextlib import suppress
from random import Random
from typing import Final

from loadtest.chaos.listener import Listener, reset
from loadtest.chaos.trouble import RETRANSMITTED_S, Trouble
from loadtest.event_loop import run

SEGMENT: Final = 16 << 10
"""Bytes on the loopback; what is written at once may come in several."""
QUEUED: Final = 256
SEED: Final = 7


class Proxy:
    def __init__(self, port: int, target: str) -> None:
        self.trouble = Trouble()
        self.target = target
        self.random = Random(SEED)
        self._listener = Listener(lambda reader, writer: Link(self, reader, writer), port)

    async def switch(self, trouble: Trouble) -> None:
        self.trouble = trouble
        await self._listener.switch(refuses=trouble.refuses, resets=trouble.resets)


class Link:
    """One client's connection."""

    def __init__(
        self, owner: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._owner = owner
        self._reader, self._writer = reader, writer
        self._late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED)
        self._last_due_s = 0.0
        self._is_dead = False

    async def run(self) -> None:
        """Until either side closes. A server that is not there resets."""
        if self._owner.trouble.resets:
            self.reset()
            return
        try:
            reader, writer = await asyncio.open_unix_connection(self._owner.target)
        except OSError:
            self.reset()
            return
        pumps = [
            asyncio.create_task(self._asked(writer)),
            asyncio.create_task(self._answered(reader)),
            asyncio.create_task(self._delivered()),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        writer.close()
        self._writer.close()

    def reset(self) -> None:
        reset(self._writer)

    async def _asked(self, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await self._reader.read(SEGMENT):
                self._is_dead |= self._owner.trouble.silent
                if not self._is_dead:
                    writer.write(data)

    async def _answered(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await reader.read(SEGMENT):
                trouble = self._owner.trouble
                self._is_dead |= trouble.silent
                if not self._is_dead:
                    self._last_due_s = due_s(trouble, len(data), self._last_due_s, self._owner)
                    await self._late.put((self._last_due_s, damaged(trouble, data, self._owner)))

    async def _delivered(self) -> None:
        """Each segment when it is due, in their order."""
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while True:
                at_s, data = await self._late.get()
                if (wait_s := at_s - loop.time()) > 0:
                    await asyncio.sleep(wait_s)
                self._writer.write(data)
                await self._writer.drain()


def due_s(trouble: Trouble, size: int, last_due_s: float, owner: Proxy) -> float:
    """When a segment that came just now arrives, not before the last one."""
    late_s = trouble.delay_ms / 1000.0
    if trouble.lost and owner.random.random() < trouble.lost:
        late_s += RETRANSMITTED_S
    due = max(asyncio.get_running_loop().time() + late_s, last_due_s)
    return due if trouble.bytes_s is None else due + size / trouble.bytes_s


def damaged(trouble: Trouble, data: bytes, owner: Proxy) -> bytes:
    if not trouble.corrupt or owner.random.random() >= trouble.corrupt:
        return data
    changed = bytearray(data)
    changed[owner.random.randrange(len(data))] ^= 1 << owner.random.randrange(8)
    return bytes(changed)


async def serve(port: int, target: str) -> None:
    """Until stdin ends, as it does with the parent."""
    proxy, lines = Proxy(port, target), asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    await proxy.switch(Trouble())
    _say("ready")
    while line := await lines.readline():
        await proxy.switch(Trouble(**json.loads(line)))
        _say("ok")


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run(serve(int(sys.argv[1]), sys.argv[2]))
