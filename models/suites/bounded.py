"""A replay asked about fewer requests: what every size of a teacher can afford to see."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from models.data.causal import Replay
from models.features.records import I64
from models.manifest import Period


class Bounds(NamedTuple):
    """Most impressions of each window, to the nearest request, and most requests of the teacher's:
    where lists are short, users are what costs."""

    teacher: int
    validation: int
    test: int
    requests: int | None = None


def bounded(replay: Replay, bounds: Bounds) -> Replay:
    """The newest of the teacher's and the validation window, the first of the test window.

    Histories and counters still hold all that came before: no period but these three is shorter.
    """
    periods = replay.log.periods
    shorter = periods.model_copy(
        update={
            "teacher_from_ms": _newest(replay, periods.teacher, bounds.teacher, bounds.requests),
            "validation_from_ms": _newest(replay, periods.validation, bounds.validation),
            "until_ms": _first(replay, periods.test, bounds.test),
        }
    )
    return replace(replay, log=replace(replay.log, periods=shorter))


def impressions_in(replay: Replay, period: Period) -> int:
    return int(replay.sizes(replay.requests_in(period)).sum())


def _newest(replay: Replay, period: Period, impressions: int, most: int | None = None) -> int:
    """When the newest requests with so many impressions begin, at most `most` of them."""
    requests = replay.requests_in(period)
    kept = _fitting(replay.sizes(requests)[::-1][:most], impressions)
    return period.from_ms if kept == len(requests) else int(replay.time_ms[requests[-kept]])


def _first(replay: Replay, period: Period, impressions: int) -> int:
    """When the first requests with so many impressions have ended."""
    requests = replay.requests_in(period)
    kept = _fitting(replay.sizes(requests), impressions)
    return period.until_ms if kept == len(requests) else int(replay.time_ms[requests[kept]])


def _fitting(counts: I64, impressions: int) -> int:
    """How many of the requests have no more than so many impressions together, one at least."""
    return max(1, int(np.searchsorted(np.cumsum(counts), impressions, side="right")))
