"""When each logged request is sent: open loop, log time compressed into wall time."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

PEAK: Final = 2.0
"""Highest rate, as a multiple of the mean: an evening of a log squeezed into a second is no load
that anybody had."""
HALVINGS: Final = 60


class Pace(NamedTuple):
    send_s: F64  # [requests] from the start of the replay, ascending
    compression: float  # log seconds a wall second, where requests are not spread out

    @property
    def intended_rate(self) -> float:
        """Requests a second."""
        return len(self.send_s) / max(float(self.send_s[-1]), 1e-9)


def compress(times_ms: Sequence[int], duration_s: float) -> Pace:
    """One factor for the whole log; what would come faster than PEAK is spread out behind it.

    The last request is sent at `duration_s`, unless all are of one instant.
    """
    elapsed_s = (np.asarray(times_ms, np.float64) - times_ms[0]) / 1000.0
    shares = elapsed_s / max(float(elapsed_s[-1]), 1e-9)
    least_gap_s = duration_s / (PEAK * len(times_ms))
    low, high = 0.0, duration_s
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        if _spread(shares * middle, least_gap_s)[-1] < duration_s:
            low = middle
        else:
            high = middle
    return Pace(_spread(shares * high, least_gap_s), float(elapsed_s[-1]) / high)


def _spread(due_s: F64, least_gap_s: float) -> F64:
    """Each at its time or `least_gap_s` after the one before, whichever is later."""
    floor: F64 = np.arange(len(due_s), dtype=np.float64) * least_gap_s
    behind: F64 = np.maximum.accumulate(due_s - floor)
    return floor + behind
