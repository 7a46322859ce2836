"""The time that requests are of: the wall clock on live traffic, the log's in a replay."""

import time
from collections.abc import Callable


class LogTime:
    """Goes on with the monotonic `clock` (seconds) from the latest time that was heard of."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard_ms = 0
        self._heard_s = clock()
        self.has_begun = False

    def heard(self, at_ms: int) -> None:
        """That it is at least this late; an earlier time says nothing."""
        if not self.has_begun or at_ms > self.now_ms():
            self._heard_ms, self._heard_s, self.has_begun = at_ms, self._clock(), True

    def now_ms(self) -> int:
        return self._heard_ms + round(1000.0 * (self._clock() - self._heard_s))
