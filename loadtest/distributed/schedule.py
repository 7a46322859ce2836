"""When one of many users sends. Users are Poisson processes of their own and know nothing of each
other: the sum of all is the Poisson process that was asked for, on however many machines."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from loadtest.run.arrivals import Profile, multiple_at

STEADY: Final[Profile] = ((0.0, 1.0), (1.0, 1.0))


def due_times(
    profile: Profile, rate: float, seconds: float, begin_s: float, rng: np.random.Generator
) -> Iterator[float]:
    """From `begin_s` on; before 0 (the warm-up) as at 0. Ends with `seconds`.

    Thinning: proposals at the profile's peak, kept in proportion to what it is at that time
    (Lewis & Shedler 1979).
    """
    peak = max(multiple for _, multiple in profile)
    due_s = begin_s
    while True:
        due_s += rng.exponential(1.0 / (rate * peak))
        share = min(max(due_s / seconds, 0.0), 1.0)
        if due_s >= seconds:
            return
        if rng.random() * peak < multiple_at(profile, share):
            yield due_s
