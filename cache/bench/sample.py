"""One user and one request: a page, a record, and candidates of which half are held."""

from typing import Final, NamedTuple

import numpy as np

from cache.arrays import U64
from cache.bench.drawn import (
    NOW_MS,
    SPACE,
    Shape,
    drawn_entries,
    drawn_page,
    drawn_record,
    page_of,
)
from cache.entries import Entries
from cache.keys import pair_keys
from cache.quantise import Precision
from cache.refresh.pages import SEQUENCE
from cache.sequence import no_sequence

ENTRIES: Final = 300
CANDIDATES: Final = 200
DIM: Final = 32
TASKS: Final = 2
EVENTS: Final = 50
COLUMNS: Final = 6
CONTEXT: Final = (7,)

__all__ = ["NOW_MS", "SPACE"]


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
    shape = Shape(ENTRIES, EVENTS, SEQUENCE, DIM, TASKS, precision)
    items = rng.integers(1, 1 << 63, ENTRIES + CANDIDATES // 2).astype(np.uint64)
    held = drawn_entries(rng, pair_keys(items[:ENTRIES], CONTEXT), shape)
    return Sample(
        held,
        rng.permutation(items[ENTRIES - CANDIDATES // 2 :]),
        drawn_page(rng, held, shape),
        page_of(held, no_sequence(DIM)),
        drawn_record(rng, shape, COLUMNS),
    )
