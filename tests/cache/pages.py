"""Pages and entries to test with."""

import numpy as np

from cache.entries import Entries, aggregate_of
from cache.page import Page, decode, encode
from cache.quantise import Precision
from cache.sequence import PastSequence, Spoken, lengthened, no_sequence

NOW_MS = 1_700_000_000_000


def random_entries(
    count: int,
    *,
    dim: int = 32,
    tasks: int = 2,
    seed: int = 0,
    precision: Precision = Precision.INT8,
    age_ms: int = 0,
) -> Entries:
    """Keys 10, 20, 30, … all computed `age_ms` before NOW_MS."""
    rng = np.random.default_rng(seed)
    return Entries.of(
        np.arange(10, 10 * count + 1, 10, dtype=np.uint64),
        np.full(count, NOW_MS - age_ms, np.int64),
        rng.normal(size=(count, tasks)).astype(np.float32),
        np.tanh(rng.normal(size=(count, dim))).astype(np.float32),
        precision,
    )


def page_bytes_of(
    entries: Entries, version: int = 1, fence: int = 0, sequence: PastSequence | None = None
) -> bytes:
    sequence = sequence or no_sequence(entries.codes.shape[1])
    return encode(entries, aggregate_of(entries), sequence, version=version, fence=fence)


def random_sequence(count: int, *, dim: int = 32, seed: int = 0, age_ms: int = 0) -> PastSequence:
    """A second apart, the newest `age_ms` before NOW_MS."""
    z = np.tanh(np.random.default_rng(seed).normal(size=(count, dim))).astype(np.float32)
    at_ms = NOW_MS - age_ms - 1000 * np.arange(count)[::-1]
    return lengthened(None, Spoken(at_ms, z), alive_since_ms=0, limit=count)


def page_of(entries: Entries, version: int = 1) -> Page:
    return decode(page_bytes_of(entries, version))
