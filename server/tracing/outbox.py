"""Finished requests on their way to the collector, sent by a thread of their own."""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from server.collectors import Counts
from server.tracing.trace import Finished

CAPACITY: Final = 2048
"""Requests that wait, of about 2 kB each; more are dropped."""
BATCH: Final = 16
"""Requests sent together. The thread has the interpreter while it writes them, 2 ms for so many,
and requests wait meanwhile."""
PERIOD_S: Final = 1.0
CLOSE_S: Final = 3.0
log = logging.getLogger(__name__)


class Sender(Protocol):
    """Belongs to the thread. `send` blocks for a bounded time, and says whether they arrived."""

    def send(self, batch: Sequence[Finished]) -> bool: ...

    def close(self) -> None: ...


class Outbox:
    """Never waited for: what finds no room, or cannot be sent, is dropped and counted by spans."""

    def __init__(self, sender: Sender, dropped: Counts, capacity: int | None = None) -> None:
        """`dropped` has the label `reason`."""
        self._sender = sender
        self._capacity = CAPACITY if capacity is None else capacity
        # Each is written by one thread alone.
        self._full = dropped.count("queue_full")
        self._failed = dropped.count("export_failed")
        self._waiting: deque[Finished] = deque()
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tracing", daemon=True)

    def put(self, finished: Finished) -> None:
        """Called by the event loop."""
        if len(self._waiting) < self._capacity:
            self._waiting.append(finished)
        else:
            self._full.value += finished.spans

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Blocking, for CLOSE_S at most: what waits is sent, where it can be."""
        self._is_closing.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)
        self._sender.close()

    def _run(self) -> None:
        while not self._is_closing.wait(PERIOD_S):
            self._send_all()
        self._send_all()

    def _send_all(self) -> None:
        while self._waiting:
            count = min(len(self._waiting), BATCH)
            batch = [self._waiting.popleft() for _ in range(count)]
            if not self._is_sent(batch):
                self._failed.value += sum(finished.spans for finished in batch)

    def _is_sent(self, batch: Sequence[Finished]) -> bool:
        try:
            return self._sender.send(batch)
        except Exception:
            # The thread must outlive whatever a client library raises.
            log.exception("%d requests could not be made into spans", len(batch))
            return False
