"""The sequence (LoopFM) of a page: what the teacher said of a user's past impressions, in int4."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import F32, I64, LE_U32, U8, U32, U64
from cache.quantise_int4 import pack, unpack

MAX_SEQUENCE: Final = 256
MAX_AGE_MS: Final = (1 << 32) - 1
"""49.7 days: how much older than the newest the oldest may be, here and among a page's entries."""


class PastSequence(NamedTuple):
    """Newest last."""

    newest_ms: int  # time of the last impression; 0 without one
    older_ms: U32  # [L] how much older than the newest each is
    codes: U8  # [L, ceil(d/2)] as cache.quantise_int4 packs them

    def at_ms(self) -> I64:
        return self.newest_ms - self.older_ms.astype(np.int64)


class Impressions(NamedTuple):
    """Of one user, oldest first."""

    items: U64  # [M] item keys
    at_ms: I64  # [M]


class Spoken(NamedTuple):
    """The teacher's word on past impressions, oldest first; rows may not be finite."""

    at_ms: I64  # [K]
    z: F32  # [K, d]


class Read(NamedTuple):
    """On the events of R histories."""

    z: F32  # [R, L, d] zeros where nothing was said
    said: F32  # [R, L] 1 or 0


class Past(NamedTuple):
    """One user's page and record, as far as they are there."""

    sequence: PastSequence | None
    at_ms: I64  # [M] of the record's events, oldest first


def no_sequence(dim: int) -> PastSequence:
    return PastSequence(0, np.zeros(0, LE_U32), np.zeros((0, (dim + 1) // 2), np.uint8))


def unspoken(
    past: Impressions, held: PastSequence | None, *, since_ms: int, limit: int
) -> Impressions:
    """The newest `limit` that come after all that the sequence has, and at or after `since_ms`."""
    last_ms = held.newest_ms if held is not None else 0
    is_new = (past.at_ms > last_ms) & (past.at_ms >= since_ms)
    rows = np.flatnonzero(is_new)[max(0, int(is_new.sum()) - limit) :]
    return Impressions(past.items[rows], past.at_ms[rows])


def lengthened(
    held: PastSequence | None, spoken: Spoken, *, alive_since_ms: int, limit: int
) -> PastSequence:
    """With what came after; the newest `limit` stay, of those since `alive_since_ms`.

    Rows that are not finite, or no newer than what is held, are left out.
    """
    held = no_sequence(spoken.z.shape[1]) if held is None else held
    is_new = np.isfinite(spoken.z).all(axis=1) & (spoken.at_ms > held.newest_ms)
    at_ms = np.append(held.at_ms(), spoken.at_ms[is_new])
    codes = np.concatenate([held.codes, pack(spoken.z[is_new])])
    newest_ms = int(at_ms.max(initial=0))
    rows = np.flatnonzero(at_ms >= max(alive_since_ms, newest_ms - MAX_AGE_MS))
    rows = rows[max(0, len(rows) - limit) :]
    older_ms = (newest_ms - at_ms[rows]).astype(LE_U32)
    return PastSequence(newest_ms if len(rows) else 0, older_ms, codes[rows])


def read(pasts: Sequence[Past], length: int, dim: int) -> Read:
    """On the newest `length` events of each, newest last; new arrays, owned by the caller.

    A sequence has the record's events in their order, up to some time. Where the times tell
    otherwise (an event that came late), nothing was said.
    """
    count = len(pasts)
    z, said = np.zeros((count, length, dim), np.float32), np.zeros((count, length), np.float32)
    for row, (sequence, at_ms) in enumerate(pasts):
        if sequence is None or not len(sequence.codes):
            continue
        newer = len(at_ms) - int(at_ms.searchsorted(sequence.newest_ms, side="right"))
        size = min(len(sequence.codes), len(at_ms) - newer, length - newer)
        if size <= 0:
            continue
        slots = slice(length - newer - size, length - newer)
        events = at_ms[len(at_ms) - newer - size : len(at_ms) - newer]
        said[row, slots] = sequence.at_ms()[-size:] == events
        np.multiply(unpack(sequence.codes[-size:], dim), said[row, slots, None], out=z[row, slots])
    return Read(z, said)
