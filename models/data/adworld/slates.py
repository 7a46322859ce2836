"""What a call offers and what is shown of it.

A session walks through the live ads in an order of its own; each call offers the next window of
that walk, moved on by a quarter, so that three candidates in four were offered a call ago.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.data.adworld.ads import HOUR_MS, Ads, LiveLists
from models.data.adworld.sessions import Calls
from models.features.records import I64

SIZES: Final = (50, 75, 100, 125, 150, 200, 250, 350, 500)
SIZE_CHANCES: Final = (0.12, 0.14, 0.18, 0.14, 0.13, 0.13, 0.08, 0.05, 0.03)
SHOWN: Final = 10
MOVED_ON: Final = 0.25
POLICY_QUALITY: Final = 0.7
"""How much of an ad's quality the logging policy knows; the rest of its choice is chance."""


class Slates(NamedTuple):
    """Calls that offer equally many candidates."""

    call: I64  # [K]
    offered: I64  # [K, n] ads; −1 where a campaign ended since the session began
    shown: I64  # [K, SHOWN] ads by position


def slates(rng: np.random.Generator, calls: Calls, ads: Ads, live: LiveLists) -> Iterator[Slates]:
    largest = int(live.length.min()) * 4 // 5
    size = np.minimum(rng.choice(SIZES, calls.sessions, p=SIZE_CHANCES), largest)
    stride = rng.choice(_primes_above(int(live.length.max())), calls.sessions)
    origin = rng.integers(0, 1 << 30, calls.sessions)
    for candidates in np.unique(size):
        call = np.flatnonzero(size[calls.session] == candidates)
        offered = _offered(calls, call, int(candidates), stride, origin, live)
        gone = ads.live_until_ms[offered] <= calls.time_ms[call][:, None]
        appeal = POLICY_QUALITY * ads.quality[offered] + rng.gumbel(size=offered.shape)
        chosen = _best(np.where(gone, -np.inf, appeal), SHOWN)
        shown = np.take_along_axis(offered, chosen, axis=1)
        yield Slates(call, np.where(gone, -1, offered), shown)


def _offered(
    calls: Calls, call: I64, candidates: int, stride: I64, origin: I64, live: LiveLists
) -> I64:
    session = calls.session[call]
    hour = np.clip(calls.session_start_ms[session] // HOUR_MS, 0, len(live.length) - 1)
    moved = calls.step[call] * max(1, round(candidates * MOVED_ON))
    walked = moved[:, None] + np.arange(candidates)
    # A prime stride visits every ad of the list once before it returns to the first.
    at = (stride[session][:, None] * walked + origin[session][:, None]) % live.length[hour][:, None]
    return np.asarray(live.ads[live.start[hour][:, None] + at])


def _best(appeal: NDArray[np.float64], count: int) -> I64:
    """Columns of the `count` largest values a row, largest first."""
    top = np.argpartition(appeal, -count, axis=1)[:, -count:]
    order = np.argsort(-np.take_along_axis(appeal, top, axis=1), axis=1)
    return np.take_along_axis(top, order, axis=1)


def _primes_above(least: int, count: int = 64) -> I64:
    numbers = np.arange(least + 1, 2 * least + 2000)
    divisors = np.arange(2, int(np.sqrt(numbers[-1])) + 1)
    is_prime = (numbers[:, None] % divisors != 0).all(axis=1)
    return np.asarray(numbers[is_prime][:count])
