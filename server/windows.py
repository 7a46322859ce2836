"""What was counted over the last minutes and hours, from counters that only ever grow."""

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64, I64

WINDOWS_S: Final = {"5m": 300.0, "30m": 1800.0, "1h": 3600.0, "6h": 21_600.0}
STEP_S: Final = 10.0
"""Between two readings: how much longer than it says a window may be."""
READINGS: Final = round(max(WINDOWS_S.values()) / STEP_S) + 2


class Window(NamedTuple):
    seconds: float  # that it covers: fewer than its name says while the process is young
    counts: I64  # [W] what came within it


class SlidingCounts:
    """Readings of counters in a ring, so that a request pays nothing for windows: it adds to the
    counters that /metrics has anyway."""

    def __init__(
        self,
        counters: Callable[[], Sequence[int]],
        clock: Callable[[], float] = time.monotonic,
        readings: int = READINGS,
    ) -> None:
        """`counters` gives the same W counters each time."""
        self._counters = counters
        self._clock = clock
        first = np.array(counters(), np.int64)
        self._counts: I64 = np.zeros((readings, len(first)), np.int64)
        self._at_s: F64 = np.full(readings, np.inf)
        self._next = 0
        self._keep(first)

    def read(self) -> None:
        """To be called every STEP_S."""
        self._keep(np.array(self._counters(), np.int64))

    def over(self, window_s: float) -> Window:
        """Since the newest reading that is at least `window_s` old, or else the oldest."""
        now_s = self._clock()
        is_old = self._at_s <= now_s - window_s
        if is_old.any():
            base = int(np.where(is_old, self._at_s, -np.inf).argmax())
        else:
            base = int(self._at_s.argmin())
        counts = np.array(self._counters(), np.int64) - self._counts[base]
        return Window(now_s - float(self._at_s[base]), counts)

    def _keep(self, counts: I64) -> None:
        self._counts[self._next] = counts
        self._at_s[self._next] = self._clock()
        self._next = (self._next + 1) % len(self._at_s)
