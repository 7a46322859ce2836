from fnmatch import fnmatchcase

import numpy as np
import pytest

from cache import page
from cache.entries import Aggregate, Entries
from cache.errors import PageCorrupt
from cache.keys import EVENTS_STREAM, page_key
from cache.quantise import Precision
from cache.sequence import PastSequence
from loadtest.chaos import stored
from loadtest.chaos.damage import DAMAGE, WIDER, of_foreign_space

COUNT, DIM, TASKS, PAST = 7, 8, 2, 3


def page_of(precision: Precision) -> bytes:
    rng = np.random.default_rng(3)
    entries = Entries.of(
        np.arange(1, COUNT + 1, dtype=np.uint64),
        np.full(COUNT, 1_760_000_000_000, np.int64),
        rng.normal(size=(COUNT, TASKS)).astype(np.float32),
        rng.normal(size=(COUNT, DIM)).astype(np.float32),
        precision,
    )
    aggregate = Aggregate(np.ones(DIM, np.float32), COUNT, 1_760_000_000_000)
    past = PastSequence(
        1_760_000_000_000,
        np.arange(PAST, dtype=np.uint32)[::-1].copy(),
        rng.integers(0, 256, (PAST, DIM // 2)).astype(np.uint8),
    )
    return page.encode(entries, aggregate, past, version=4, fence=9)


@pytest.mark.parametrize("precision", list(Precision))
def test_a_page_of_another_space_is_whole_and_wider(precision: Precision) -> None:
    before = page.decode(page_of(precision))
    after = page.decode(of_foreign_space(page_of(precision)))
    assert after.dim == before.dim + WIDER
    assert (after.pair_keys == before.pair_keys).all()
    assert (after.logit == before.logit).all()
    assert (after.codes[:, :DIM] == before.codes).all()
    assert (after.aggregate.z[:DIM] == before.aggregate.z).all()
    assert (after.sequence.codes[:, : DIM // 2] == before.sequence.codes).all()


@pytest.mark.parametrize("what", ["garbage", "cut", "foreign-version"])
def test_a_damaged_page_is_known_for_it(what: str) -> None:
    with pytest.raises(PageCorrupt):
        page.decode(DAMAGE[what](page_of(Precision.INT8)))


def test_keys_are_those_of_the_cache() -> None:
    key = page_key("a user: {1}", "5eed").decode()
    assert fnmatchcase(key, stored.PAGES)
    assert EVENTS_STREAM.decode() == stored.EVENTS
