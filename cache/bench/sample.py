"""One user and one request: a page, a record, and candidates of which half are held."""

from typing import Final, NamedTuple

import numpy as np

from cache import page, record
from cache.arrays import U64
from cache.entries import Entries, aggregate_of
from cache.keys import pair_keys
from cache.quantise import Precision
from cache.record import UserRecord
from cache.refresh.pages import SEQUENCE
from cache.sequence import PastSequence, Spoken, lengthened, no_sequence

ENTRIES: Final = 300
CANDIDATES: Final = 200
DIM: Final = 32
TASKS: Final = 2
EVENTS: Final = 50
NOW_MS: Final = 1_760_000_000_000
SPACE: Final = "0123456789abcdef"
CONTEXT: Final = (7,)


class Sample(NamedTuple):
    entries: Entries
    items: U64  # [CANDIDATES], half of them in the page
    page: bytes  # with a sequence
    bare_page: bytes  # without one: what other layouts hold too
    record: bytes

    @property
    def pairs(self) -> U64:
        return pair_keys(self.items, CONTEXT)


def make_sample(precision: Precision) -> Sample:
    rng = np.random.default_rng(0)
    items = rng.integers(1, 1 << 63, ENTRIES + CANDIDATES // 2).astype(np.uint64)
    z = np.tanh(rng.normal(size=(ENTRIES, DIM))).astype(np.float32)
    logit = rng.normal(size=(ENTRIES, TASKS)).astype(np.float32)
    computed_at = NOW_MS - rng.integers(0, 3_600_000, ENTRIES)
    held = Entries.of(pair_keys(items[:ENTRIES], CONTEXT), computed_at, logit, z, precision)
    return Sample(
        held,
        rng.permutation(items[ENTRIES - CANDIDATES // 2 :]),
        _page(held, _sequence(rng)),
        _page(held, no_sequence(DIM)),
        record.encode(_record(rng)),
    )


def _page(held: Entries, sequence: PastSequence) -> bytes:
    return page.encode(held, aggregate_of(held), sequence, version=1, fence=0)


def _sequence(rng: np.random.Generator) -> PastSequence:
    z = np.tanh(rng.normal(size=(SEQUENCE, DIM))).astype(np.float32)
    spoken = Spoken(NOW_MS - np.arange(SEQUENCE + 5, 5, -1), z)
    return lengthened(None, spoken, alive_since_ms=0, limit=SEQUENCE)


def _record(rng: np.random.Generator) -> UserRecord:
    return UserRecord(
        columns=rng.integers(1, 1 << 63, 6).astype(np.uint64),
        numbers=rng.normal(size=2).astype(np.float32),
        counters=rng.random(1 + TASKS),
        counters_at=NOW_MS,
        items=rng.integers(1, 1 << 63, EVENTS).astype(np.uint64),
        times_ms=NOW_MS - np.arange(EVENTS, 0, -1),
        outcomes=np.ones(EVENTS, np.uint8),
        event_ids=rng.integers(1, 1 << 63, 64).astype(np.uint64),
        version=1,
        fingerprint=1,
    )
