"""Slow requests of all workers in one answer, whichever of them is asked."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from server.slow.ring import WINDOWS
from server.slow.slow_log import SlowLog
from server.slow.wire import SlowRequest, SlowRequests
from server.wire import encode_json
from server.workers.telling import Telling, heard
from server.workers.worker import Worker

MAX_SHOWN: Final = 1000
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ONE: Final = msgspec.json.Decoder(SlowRequest)


class SlowPages:
    """`log` None where nothing is kept; `worker` where this process is one of several."""

    def __init__(self, log: SlowLog | None, window_s: float, worker: Worker | None) -> None:
        self._log = log
        self._window_s = window_s
        self._worker = worker

    def telling(self) -> AbstractAsyncContextManager[object]:
        """Of this process' own, to its siblings."""
        if self._worker is None or self._log is None:
            return nullcontext()
        return Telling(_socket(self._worker, self._worker.number), self._said)

    async def page(self, most: int) -> SlowRequests:
        """At most MAX_SHOWN. Of what siblings tell only that much is decoded: each tells its own
        in order, the slowest first."""
        told: list[list[msgspec.Raw] | None] = []
        if self._worker is not None and self._log is not None:
            asked = [_listed(_socket(self._worker, each)) for each in self._worker.siblings]
            told = await asyncio.gather(*asked)
        every = (_read(each) for each in told if each is not None)
        slowest = merge(self._own(), *every, key=lambda request: -request.total_ms)
        return SlowRequests(
            kept=0 if self._log is None else self._log.ring.kept,
            window_s=self._window_s,
            windows=WINDOWS,
            silent_workers=told.count(None),
            requests=list(islice(slowest, most)),
        )

    def _own(self) -> list[SlowRequest]:
        own = [] if self._log is None else self._log.slowest()
        if self._worker is not None:
            for request in own:
                request.worker = self._worker.number
        return own

    def _said(self) -> bytes:
        return encode_json(self._own()[:MAX_SHOWN])


async def _listed(socket: Path) -> list[msgspec.Raw] | None:
    """Of one sibling, not read yet; None where it says nothing, or no list."""
    said = await heard(socket)
    try:
        return None if said is None else _LIST.decode(said)
    except msgspec.DecodeError:
        return None


def _read(listed: list[msgspec.Raw]) -> Iterator[SlowRequest]:
    """Up to what is none."""
    with suppress(msgspec.DecodeError):
        yield from map(_ONE.decode, listed)


def _socket(worker: Worker, number: int) -> Path:
    return worker.folder / f"{number}.slow"
