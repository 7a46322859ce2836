"""Whether the workers' event loops turn: each tells its supervisor, who counts."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple, Self

BEAT_S: Final = 0.5
_BEAT: Final = Struct("<II")


class Beat(NamedTuple):
    worker: int
    pid: int


class Pulse:
    """Of this worker: beats from when it is ready until it is left, as often as the loop lets it.
    Loading a model may hold the interpreter for long, and with it the loop.
    It holds its breath while the process is not well.

    By datagrams: a file's page may have to wait for a disk, and the loop with it.
    """

    def __init__(
        self,
        path: Path,
        worker: int,
        until_ready: Callable[[], Awaitable[None]],
        is_well: Callable[[], bool] = lambda: True,
    ) -> None:
        """`path` is the socket of the supervisor, who may have left."""
        self._until_ready = until_ready
        self._is_well = is_well
        self._path = str(path)
        self._beat = _BEAT.pack(worker, os.getpid())
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._beating = asyncio.create_task(self._tell())
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)

    async def _tell(self) -> None:
        await self._until_ready()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as teller:
            teller.setblocking(False)
            while True:
                if self._is_well():
                    with suppress(OSError):
                        teller.sendto(self._beat, self._path)
                await asyncio.sleep(BEAT_S)


class PulseCount:
    """Of all workers, on the supervisor's side.

    Looks without a beat are counted rather than seconds: while a machine is suspended nobody beats,
    but nobody looks either.
    """

    def __init__(self, looks: int) -> None:
        """A worker is silent after so many looks without a beat."""
        self._looks = looks
        self._heard: set[Beat] = set()
        self._since: dict[Beat, int] = {}

    def heard(self, beat: Beat) -> None:
        self._heard.add(beat)

    def silent(self, running: Mapping[int, int]) -> list[int]:
        """Takes a look, and gives the numbers of silent workers. `running` has the pid of each that
        runs; one that is only starting has never beaten, and is not missed."""
        beats = {Beat(worker, pid) for worker, pid in running.items()}
        self._since = {
            beat: 0 if beat in self._heard else self._since[beat] + 1
            for beat in beats
            if beat in self._heard or beat in self._since
        }
        self._heard.clear()
        return sorted(beat.worker for beat, looks in self._since.items() if looks >= self._looks)


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, count: PulseCount) -> None:
        self._count = count

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) == _BEAT.size:
            self._count.heard(Beat(*_BEAT.unpack(data)))


async def listening(path: Path, count: PulseCount) -> closing[asyncio.DatagramTransport]:
    """Until it is closed."""
    heard = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Listener(count), str(path), family=socket.AF_UNIX
    )
    return closing(heard[0])
