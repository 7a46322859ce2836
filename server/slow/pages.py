"""Slow requests of all workers in one answer, whichever of them is asked."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from heapq import merge
from pathlib import Path
from typing import Final

import msgspec

from server.slow.ring import WINDOWS
from server.slow.slow_log import SlowLog
from server.slow.wire import SlowRequest, SlowRequests
from server.wire import encode_json
from server.workers.telling import Telling, heard
from server.workers.worker import Worker

_READ: Final = msgspec.json.Decoder(list[SlowRequest])


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
        every, silent = [self._own()], 0
        if self._worker is not None and self._log is not None:
            asked = [heard(_socket(self._worker, each)) for each in self._worker.siblings]
            told = [_read(said) for said in await asyncio.gather(*asked)]
            every += [each for each in told if each is not None]
            silent = told.count(None)
        slowest = merge(*every, key=lambda request: -request.total_ms)
        return SlowRequests(
            kept=0 if self._log is None else self._log.ring.kept,
            window_s=self._window_s,
            windows=WINDOWS,
            silent_workers=silent,
            requests=[each for each, _ in zip(slowest, range(most), strict=False)],
        )

    def _own(self) -> list[SlowRequest]:
        own = [] if self._log is None else self._log.slowest()
        if self._worker is not None:
            for request in own:
                request.worker = self._worker.number
        return own

    def _said(self) -> bytes:
        return encode_json(self._own())


def _read(said: bytes | None) -> list[SlowRequest] | None:
    try:
        return None if said is None else _READ.decode(said)
    except msgspec.DecodeError:
        return None


def _socket(worker: Worker, number: int) -> Path:
    return worker.folder / f"{number}.slow"
