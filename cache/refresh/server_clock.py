"""The server's time, told without asking each time, whatever this machine's own calendar says."""

import time
from collections.abc import Callable


class ServerClock:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is monotonic seconds."""
        self._clock = clock
        self._ahead_ms = 0.0

    def told(self, server_ms: int) -> None:
        """Just now."""
        self._ahead_ms = server_ms - self._clock() * 1000.0

    def now_ms(self) -> int:
        return round(self._clock() * 1000.0 + self._ahead_ms)

    def waited_ms(self, message_id: bytes) -> int:
        """Since the server took the message: an id begins with that time."""
        return max(self.now_ms() - int(message_id.partition(b"-")[0]), 0)
