"""A teacher's word on pairs that was asked for elsewhere: under the context of the request before.

A cache whose key leaves the context out has one entry for a user and an item, wherever it was
asked for; what it holds at a request speaks of where the user was when it was filled.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from models.annotation.verdicts import Blocks, Wanted, judged
from models.data.causal import Replay
from models.examples import Examples
from models.features.records import F32, I64, U64, Hints
from models.teacher import Teacher


def contextless(teacher: Teacher, examples: Examples, pair: Hints, progress: Progress) -> Hints:
    """`pair` of Annotations again, each as of its own instant; as it is where the context before
    is the request's own.

    A user's first request has none before it: every column of its context reads as missing.
    """
    replay = examples.replay
    request = np.repeat(np.arange(len(replay.time_ms)), np.diff(replay.offsets))
    rows = np.flatnonzero((pair.tier > 0) & was_elsewhere(replay)[request])
    told = pair._replace(z=pair.z.copy(), logit=pair.logit.copy())
    if not len(rows):
        return told
    age_ms = np.rint(pair.age_s[rows].astype(np.float64) * 1000.0).astype(np.int64)
    # Entries of one request can be of several instants: each of these is a request of its own.
    instants = np.stack([request[rows], replay.time_ms[request[rows]] - age_ms], axis=1)
    states, state = np.unique(instants, axis=0, return_inverse=True)
    asked, at_ms = states.T
    elsewhere = replace(examples, replay=_asked_elsewhere(replay, asked, at_ms))
    wanted = Wanted(2 * state.reshape(-1), replay.item[rows])
    said = judged(teacher, elsewhere, wanted, np.repeat(at_ms, 2), progress, Blocks())
    told.z[rows], told.logit[rows] = said.z, said.logit
    return told


def was_elsewhere(replay: Replay) -> NDArray[np.bool_]:
    """`[Q]` whether the context before is another than the request's own."""
    context, number = _contexts_before(replay)
    both_missing = np.isnan(number) & np.isnan(replay.context_number)
    is_other = (number != replay.context_number) & ~both_missing
    found: NDArray[np.bool_] = (context != replay.context).any(axis=1) | is_other.any(axis=1)
    return found


def requests_before(replay: Replay) -> I64:
    """`[Q]` the user's last request at a strictly earlier time; −1 without one."""
    order = np.lexsort((replay.time_ms, replay.user))
    user, time_ms = replay.user[order], replay.time_ms[order]
    is_first = np.ones(len(order), np.bool_)  # of a user and an instant
    is_first[1:] = (user[1:] != user[:-1]) | (time_ms[1:] != time_ms[:-1])
    last = np.flatnonzero(is_first)[np.cumsum(is_first) - 1] - 1
    has_one = (last >= 0) & (user[last] == user)
    before = np.empty(len(order), np.int64)
    before[order] = np.where(has_one, order[last], -1)
    return before


def _contexts_before(replay: Replay) -> tuple[U64, F32]:
    before = requests_before(replay)
    is_missing = (before < 0)[:, None]
    context = np.where(is_missing, np.uint64(0), replay.context[before])
    number = np.where(is_missing, np.float32(np.nan), replay.context_number[before])
    return context, number


def _asked_elsewhere(replay: Replay, requests: I64, at_ms: I64) -> Replay:
    """A row for each of `requests`, at its instant; users and items are those of the log."""
    context, number = _contexts_before(replay)
    return replace(
        replay,
        user=replay.user[requests],
        time_ms=at_ms,
        context=context[requests],
        context_number=number[requests],
    )
