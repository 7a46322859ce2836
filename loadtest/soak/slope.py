"""Whether a figure grows while a load lasts, with an interval that does not take windows for
independent: each resembles the one before it.

A latency comes back to its level after whatever disturbed it. The time is cut into BATCHES, long
against a disturbance; their medians count as independent, and the slope is the least-squares line
through them with Student's t (batch means: Law, Simulation Modeling and Analysis, 9.5.3). A median,
for a spike must not be a slope.

Resident memory does not come back: an allocator keeps what it once asked for, so the level is the
sum of all steps so far, and a line through such a walk is significant more often than not (Granger
& Newbold, Spurious Regressions in Econometrics, 1974). There the steps are what is independent: the
slope is the mean of STEPS increments with Student's t. One jump is no leak, growth in most of
them is.

Newey & West's interval and Theil & Sen's slope with a block bootstrap were tried first, and find
slopes where there are none: docs/loadtest.md.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

F64 = NDArray[np.float64]

BATCHES: Final = 6
STEPS: Final = 10
CONFIDENCE: Final = 0.95
HOUR_S: Final = 3600.0
FEWEST: Final = 2 * BATCHES
"""Windows before a slope is told."""


class Slope(NamedTuple):
    """A change an hour."""

    value: float
    low: float
    high: float

    @property
    def is_flat(self) -> bool:
        return self.low <= 0.0 <= self.high

    def as_json(self) -> dict[str, Any]:
        return {**self._asdict(), "is_flat": self.is_flat}


def of_level(values: F64, window_s: float) -> Slope | None:
    """`[windows]`, NaN where one has too few answers. None where they, or those of a batch, are
    too few."""
    if len(values) < FEWEST:
        return None
    length = len(values) // BATCHES
    batches = values[len(values) % BATCHES :].reshape(BATCHES, length)
    if np.isnan(batches).all(axis=1).any():
        return None
    medians, centred = np.nanmedian(batches, axis=1), np.arange(BATCHES) - (BATCHES - 1) / 2.0
    spread = float(centred @ centred)
    slope = float(centred @ medians) / spread
    left = medians - medians.mean() - slope * centred
    error = float(np.sqrt(left @ left / (BATCHES - 2) / spread))
    return _hourly(slope, error, BATCHES - 2, length * window_s)


def of_memory(values: F64, window_s: float) -> Slope | None:
    """`[windows]`. None where they are too few, or one is NaN: the process was not there."""
    if len(values) < FEWEST or np.isnan(values).any():
        return None
    length = (len(values) - 1) // STEPS
    increments = np.diff(values[::-1][::length][: STEPS + 1][::-1])
    error = float(increments.std(ddof=1) / np.sqrt(STEPS))
    return _hourly(float(increments.mean()), error, STEPS - 1, length * window_s)


def _hourly(slope: float, error: float, freedom: int, unit_s: float) -> Slope:
    """From a change in `unit_s`."""
    half = float(student.ppf((1.0 + CONFIDENCE) / 2.0, freedom)) * error
    return Slope(*(each * HOUR_S / unit_s for each in (slope, slope - half, slope + half)))
