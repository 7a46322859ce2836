"""Bytes that arrive later, in their order."""

import asyncio
from collections import deque


class DelayLine:
    """Writes each piece when it is due, in their order."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._loop = asyncio.get_running_loop()

    def send(self, data: bytes, delay_s: float) -> None:
        if not delay_s and not self._waiting:
            self._writer.write(data)
            return
        self._waiting.append((self._loop.time() + delay_s, data))
        if len(self._waiting) == 1:
            self._loop.call_later(delay_s, self._write)

    def _write(self) -> None:
        if self._writer.is_closing():
            return
        _, data = self._waiting.popleft()
        self._writer.write(data)
        if self._waiting:
            self._loop.call_at(self._waiting[0][0], self._write)
