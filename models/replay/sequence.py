"""The sequence (LoopFM, arXiv 2605.29280) as it would have been at each request of a log.

Whenever a refresher answers what a request asked for, it also gives its word on the user's
impressions that it has given none on yet. So each has the z of the first refresh after it, and a
request reads those whose refresh was done strictly before.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.data.causal import Replay
from models.features.records import F32, I64, ZSequence

F16 = NDArray[np.float16]


class Spans(NamedTuple):
    by: I64  # [I] the request whose refresh spoke of the impression; −1 without one
    start: I64  # [Q] positions in replay.users.order: what request q reads is
    end: I64  # [Q] the last of `[start, end)`


class SequenceNotes(NamedTuple):
    z: F16  # [I, d] in the 16 levels of `levels`; zeros where nothing was said
    start: I64  # [Q] as in Spans
    end: I64  # [Q]


def spans(replay: Replay, done_ms: I64, since_ms: int) -> Spans:
    """`done_ms` [Q]: when what request q asked for was there, 0 where it asked for nothing.

    Impressions before `since_ms`, which the teacher was trained on, have no place in it.
    """
    refreshes = _Refreshes(replay, np.flatnonzero(done_ms), done_ms)
    shown_by = np.repeat(np.arange(len(replay.user)), np.diff(replay.offsets))
    user, time_ms = replay.user[shown_by], replay.time_ms[shown_by]
    by = np.where(time_ms >= since_ms, refreshes.first_after(user, time_ms), -1)
    last = refreshes.last_before(replay.user, replay.time_ms)
    start = replay.users.before(replay.user, np.full(len(last), since_ms)).end
    end = replay.users.before(replay.user, done_ms[last]).end
    return Spans(by, start, np.where(last >= 0, np.maximum(start, end), start))


def sequence_at(replay: Replay, notes: SequenceNotes, requests: I64, length: int) -> ZSequence:
    """On the newest `length` events before each request of the log."""
    now = replay.users.before(replay.user[requests], replay.time_ms[requests])
    position = now.end[:, None] + np.arange(-length, 0)
    said = (position >= notes.start[requests, None]) & (position < notes.end[requests, None])
    z = notes.z[replay.users.order[np.where(said, position, 0)]] * said[..., None]
    return ZSequence(z.astype(np.float32), said.astype(np.float32))


def levels(z: F32) -> F16:
    """clamp(round(8 z), −8, 7) / 8: what a page keeps of a sequence's z (docs/cache.md)."""
    rounded: F16 = (np.clip(np.rint(z * 8.0), -8.0, 7.0) / 8.0).astype(np.float16)
    return rounded


class _Refreshes:
    """Requests that asked for something, by user, then by when that was there."""

    def __init__(self, replay: Replay, asked: I64, done_ms: I64) -> None:
        order = np.lexsort((done_ms[asked], replay.user[asked]))
        self._asked = np.append(asked[order], -1)
        self._first_ms = int(replay.time_ms.min(initial=0))
        last_ms = int(max(replay.time_ms.max(initial=0), done_ms.max(initial=0)))
        self._span_ms = max(last_ms - self._first_ms, 0) + 2
        self._ordinal = self._code(replay.user[asked[order]], done_ms[asked[order]])
        self._user = np.append(replay.user[asked[order]], -1)

    def first_after(self, user: I64, time_ms: I64) -> I64:
        """The user's first refresh done strictly later; −1 without one."""
        place = np.searchsorted(self._ordinal, self._code(user, time_ms), side="right")
        return np.where(self._user[place] == user, self._asked[place], -1)

    def last_before(self, user: I64, time_ms: I64) -> I64:
        """The user's last refresh done strictly earlier; −1 without one."""
        place = np.searchsorted(self._ordinal, self._code(user, time_ms), side="left") - 1
        is_own = (place >= 0) & (self._user[place] == user)
        return np.where(is_own, self._asked[place], -1)

    def _code(self, user: I64, time_ms: I64) -> I64:
        return user * self._span_ms + (time_ms - self._first_ms)
