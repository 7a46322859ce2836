"""What is kept of one user, drawn at random in a given shape."""

from typing import Final, NamedTuple

import numpy as np

from cache import page, record
from cache.arrays import U64
from cache.entries import Entries, aggregate_of
from cache.quantise import Precision
from cache.record import UserRecord
from cache.sequence import PastSequence, Spoken, lengthened, no_sequence

NOW_MS: Final = 1_760_000_000_000
SPACE: Final = "0123456789abcdef"


class Shape(NamedTuple):
    entries: int  # pairs in a page
    events: int  # in a record
    sequence: int  # past impressions with a z
    dim: int
    tasks: int
    precision: Precision


def drawn_entries(rng: np.random.Generator, pair_keys: U64, shape: Shape) -> Entries:
    count = len(pair_keys)
    z = np.tanh(rng.normal(size=(count, shape.dim))).astype(np.float32)
    logit = rng.normal(size=(count, shape.tasks)).astype(np.float32)
    at_ms = NOW_MS - rng.integers(0, 3_600_000, count)
    return Entries.of(pair_keys, at_ms, logit, z, shape.precision)


def drawn_page(rng: np.random.Generator, held: Entries, shape: Shape) -> bytes:
    return page_of(held, _sequence(rng, shape))


def page_of(held: Entries, sequence: PastSequence) -> bytes:
    return page.encode(held, aggregate_of(held), sequence, version=1, fence=0)


def drawn_record(rng: np.random.Generator, shape: Shape, columns: int) -> bytes:
    return record.encode(
        UserRecord(
            columns=rng.integers(1, 1 << 63, columns).astype(np.uint64),
            numbers=rng.normal(size=2).astype(np.float32),
            counters=rng.random(1 + shape.tasks),
            counters_at=NOW_MS,
            items=rng.integers(1, 1 << 63, shape.events).astype(np.uint64),
            times_ms=NOW_MS - np.arange(shape.events, 0, -1),
            outcomes=np.ones(shape.events, np.uint8),
            event_ids=rng.integers(1, 1 << 63, 64).astype(np.uint64),
            version=1,
            fingerprint=1,
        )
    )


def _sequence(rng: np.random.Generator, shape: Shape) -> PastSequence:
    length = shape.sequence
    if not length:
        return no_sequence(shape.dim)
    z = np.tanh(rng.normal(size=(length, shape.dim))).astype(np.float32)
    spoken = Spoken(NOW_MS - np.arange(length + 5, 5, -1), z)
    return lengthened(None, spoken, alive_since_ms=0, limit=length)
