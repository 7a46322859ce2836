"""A log of requests as arrays: what a simulation replays."""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from models.features.records import F32, I64
from models.speculation.errors import TraceInvalid

Mask = NDArray[np.bool_]
MAX_CODE: Final = 1 << 26
"""Codes are counted from 0, so that a table over all of them stays small."""


@dataclass(frozen=True, slots=True)
class Trace:
    """R requests in time order with N candidates in all, and whose they are.

    Raises TraceInvalid when it is made of anything else.
    """

    time_ms: I64  # [R] ascending
    user: I64  # [R]
    offsets: I64  # [R + 1] request r offered candidates offsets[r] … offsets[r + 1] − 1
    pair: I64  # [N] item × context; ascending within a request
    item: I64  # [N] of the pair, always the same
    score: F32  # [N] the student's probability

    def __post_init__(self) -> None:
        _check_lengths(self)
        _check_codes(self)
        _check_requests(self)
        _check_candidates(self)

    def __len__(self) -> int:
        return len(self.time_ms)

    @property
    def request(self) -> I64:
        """`[N]`: the request of each candidate."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def of_users(self, users: I64) -> Self:
        """The requests of these users alone."""
        return self.taken(np.flatnonzero(np.isin(self.user, users)))

    def until(self, requests: int) -> Self:
        """The first so many requests."""
        return self.taken(np.arange(min(requests, len(self))))

    def scored(self, score: F32) -> Self:
        return replace(self, score=score)

    def taken(self, rows: I64) -> Self:
        """The requests in these rows, ascending."""
        count = np.diff(self.offsets)[rows]
        ends = np.cumsum(count)
        within = np.arange(int(count.sum())) - np.repeat(ends - count, count)
        at = np.repeat(self.offsets[rows], count) + within
        return replace(
            self,
            time_ms=self.time_ms[rows],
            user=self.user[rows],
            offsets=np.append(0, ends),
            pair=self.pair[at],
            item=self.item[at],
            score=self.score[at],
        )


def _refuse(field: str, found: object, remedy: str) -> TraceInvalid:
    return TraceInvalid(f"trace.{field}: {found}; {remedy}")


def _check_lengths(trace: Trace) -> None:
    requests, candidates = len(trace.time_ms), len(trace.pair)
    wanted = {
        "time_ms": (np.int64, requests), "user": (np.int64, requests),
        "offsets": (np.int64, requests + 1), "pair": (np.int64, candidates),
        "item": (np.int64, candidates), "score": (np.float32, candidates),
    }  # fmt: skip
    for field, (dtype, length) in wanted.items():
        array = getattr(trace, field)
        if array.shape != (length,) or array.dtype != dtype:
            found = f"{array.dtype}{list(array.shape)}"
            raise _refuse(field, found, f"give {np.dtype(dtype)}[{length}]")


def _check_codes(trace: Trace) -> None:
    for field in ("user", "pair", "item"):
        codes = getattr(trace, field)
        if len(codes) and not 0 <= codes.min() <= codes.max() < MAX_CODE:
            found = f"codes {codes.min()} … {codes.max()}"
            raise _refuse(field, found, f"number them from 0, below {MAX_CODE}")


def _check_requests(trace: Trace) -> None:
    if not len(trace):
        raise _refuse("time_ms", "no request", "give a log with at least one")
    if (early := np.flatnonzero(np.diff(trace.time_ms) < 0)).size:
        at = int(early[0]) + 1
        raise _refuse("time_ms", f"request {at} is before the one above it", "sort by time")
    ends = trace.offsets[[0, -1]].tolist()
    if ends != [0, len(trace.pair)] or (np.diff(trace.offsets) < 0).any():
        found = f"{ends[0]} … {ends[1]}"
        raise _refuse("offsets", found, f"ascend from 0 to the {len(trace.pair)} candidates")


def _check_candidates(trace: Trace) -> None:
    ascends = np.diff(trace.pair) > 0
    starts = trace.offsets[1:-1]
    ascends[starts[(starts > 0) & (starts < len(trace.pair))] - 1] = True
    if not ascends.all():
        at = int(np.flatnonzero(~ascends)[0]) + 1
        raise _refuse("pair", f"candidate {at} repeats or descends", "sort each request's pairs")
    bounded = (trace.score >= 0) & (trace.score <= 1)
    if not bounded.all():
        at = int(np.flatnonzero(~bounded)[0])
        raise _refuse("score", f"{trace.score[at]} of candidate {at}", "give probabilities")
    item_of = np.zeros(int(trace.pair.max(initial=-1)) + 1, np.int64)
    item_of[trace.pair] = trace.item
    if (other := np.flatnonzero(item_of[trace.pair] != trace.item)).size:
        pair = int(trace.pair[other[0]])
        raise _refuse("item", f"pair {pair} is of two items", "give each item pairs of its own")
