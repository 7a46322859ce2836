"""When each request is due: a Poisson process whose rate follows a profile, or a log's times."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtest.errors import LoadInvalid
from loadtest.pacing import compress

F64 = NDArray[np.float64]
Profile = Sequence[tuple[float, float]]

GRID: Final = 10_001
MOST: Final = 20_000_000


def arrivals(profile: Profile, rate: float, seconds: float, seed: int) -> F64:
    """Ascending, in seconds. By inversion: a Poisson process of rate 1, read through the inverse
    of the profile's integral (Çinlar, Introduction to Stochastic Processes, 4.7)."""
    times, due = _expected(profile, rate, seconds)
    count = int(due[-1])
    if not 1 <= count <= MOST:
        raise LoadInvalid(
            f"--rate {rate:g} for {seconds:g} s is {count} requests: ask for 1 to {MOST}"
        )
    unit = np.cumsum(np.random.default_rng(seed).exponential(1.0, count))
    # The last one falls on the end, so that the rate is the one that was asked for.
    sent: F64 = np.interp(unit * (due[-1] / unit[-1]), due, times)
    return sent


def multiple_at(profile: Profile, share: float) -> float:
    """Of the rate, at a share of the time; behind a jump where there are two."""
    before = [point for point in profile if point[0] <= share]
    after = [point for point in profile if point[0] > share]
    if not after:
        return before[-1][1]
    (left, low), (right, high) = before[-1], after[0]
    return low + (high - low) * (share - left) / (right - left)


def expected(profile: Profile, rate: float, seconds: float) -> float:
    """Requests, on average."""
    return float(_expected(profile, rate, seconds)[1][-1])


def _expected(profile: Profile, rate: float, seconds: float) -> tuple[F64, F64]:
    """Times, and how many requests are due by each."""
    times = np.linspace(0.0, seconds, GRID)
    return times, _integral(profile, rate, times / seconds, seconds)


def _integral(profile: Profile, rate: float, shares: F64, seconds: float) -> F64:
    multiples = np.array([multiple_at(profile, share) for share in shares])
    steps = (multiples[1:] + multiples[:-1]) / 2.0 * np.diff(shares)
    due: F64 = np.concatenate([[0.0], np.cumsum(steps)]) * rate * seconds
    return due


def logged_arrivals(times_ms: Sequence[int], rate: float, seconds: float) -> F64:
    """The log's own times, compressed: as many of its requests as `rate` · `seconds`."""
    count = int(rate * seconds)
    if not 2 <= count <= len(times_ms):
        raise LoadInvalid(
            f"--rate {rate:g} for {seconds:g} s is {count} requests and the log has "
            f"{len(times_ms)}: ask for fewer, or for --arrivals poisson"
        )
    return compress(times_ms[:count], seconds).send_s
