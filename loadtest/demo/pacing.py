"""When each logged request is sent: open loop, log time compressed into wall time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Pace(NamedTuple):
    send_s: NDArray[np.float64]  # [requests] from the start of the replay, ascending
    compression: float  # log seconds a wall second

    @property
    def intended_rate(self) -> float:
        """Requests a second."""
        return len(self.send_s) / max(float(self.send_s[-1]), 1e-9)


def compress(times_ms: Sequence[int], duration_s: float) -> Pace:
    """One factor for the whole log, so that bursts and lulls stay what they were."""
    elapsed_s = (np.asarray(times_ms, np.float64) - times_ms[0]) / 1000.0
    compression = max(float(elapsed_s[-1]) / duration_s, 1e-9)
    return Pace(elapsed_s / compression, compression)
