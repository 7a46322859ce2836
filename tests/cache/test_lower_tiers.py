"""All tiers together, against a slow loop."""

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cache.arrays import F32
from cache.page import Page
from cache.quantise import Precision
from cache.tiers import (
    ITEM,
    NEIGHBOUR,
    NEVER_MS,
    NONE,
    PAIR,
    USER,
    ItemLent,
    Lookup,
    Resolved,
    TtlPolicy,
    resolve,
)
from models.schema import TIERS
from tests.cache.pages import NOW_MS, page_of, random_entries

TTL = TtlPolicy(soft_s=60.0, hard_s=600.0)
DIM, TASKS, ITEMS = 4, 2, 6
AGES_MS = st.sampled_from([0, 1_000, 61_000, 599_000, 601_000])


class Asked(NamedTuple):
    page: Page | None
    lent: Page | None
    keys: list[int]
    rows: list[int]  # of the items


def some_page(count: int, age_ms: int, dim: int, seed: int, precision: Precision) -> Page:
    entries = random_entries(count, dim=dim, seed=seed, age_ms=age_ms, precision=precision)
    entries.computed_at_ms[: count // 2] -= 300_000
    return page_of(entries)


PAGES = st.none() | st.builds(
    some_page,
    st.integers(0, 4),
    AGES_MS,
    st.sampled_from([DIM, DIM, DIM, 8]),
    st.integers(0, 9),
    st.sampled_from(list(Precision)),
)
CANDIDATES = st.lists(st.tuples(st.sampled_from([10, 20, 30, 40, 99]), st.integers(0, ITEMS)))
REQUESTS = st.builds(
    lambda page, lent, asked: Asked(page, lent, [k for k, _ in asked], [r for _, r in asked]),
    PAGES,
    PAGES,
    CANDIDATES,
)


class Slow(NamedTuple):
    tier: int
    z: F32
    age_s: float


def held(page: Page | None, key: int, tier: int) -> Slow | None:
    if page is None or page.dim != DIM or key not in page.pair_keys:
        return None
    row = page.pair_keys.tolist().index(key)
    age_s = max(NOW_MS - int(page.computed_at_ms()[row]), 0) / 1000.0
    return Slow(tier, page.entries().z()[row], age_s) if age_s <= TTL.hard_s else None


def mean_of(page: Page | None) -> Slow | None:
    if page is None or page.dim != DIM or not page.aggregate.pairs:
        return None
    age_s = (NOW_MS - page.aggregate.computed_at_ms) / 1000.0
    return Slow(USER, page.aggregate.z, age_s) if age_s <= TTL.hard_s else None


def of_item(items: ItemLent, row: int) -> Slow | None:
    age_s = (NOW_MS - int(items.newest_ms[row])) / 1000.0
    return Slow(ITEM, items.z[row].astype(np.float32), age_s) if age_s <= TTL.hard_s else None


def slowly(asked: Asked, items: ItemLent, on: set[int]) -> list[Slow]:
    nothing = Slow(NONE, np.zeros(DIM, np.float32), 0.0)
    told = []
    for key, row in zip(asked.keys, asked.rows, strict=True):
        tried = (
            held(asked.page, key, PAIR),
            held(asked.lent, key, NEIGHBOUR),
            mean_of(asked.page),
            of_item(items, row),
        )
        told.append(next((each for each in tried if each and each.tier in on | {PAIR}), nothing))
    return told


def some_items(ages_ms: list[int | None]) -> ItemLent:
    rng = np.random.default_rng(3)
    newest_ms = np.array([NEVER_MS if age is None else NOW_MS - age for age in ages_ms])
    z = rng.normal(size=(ITEMS + 1, DIM)).astype(np.float16)
    return ItemLent(z, newest_ms, np.zeros(0, np.int64))


def resolved(requests: list[Asked], items: ItemLent, on: set[int]) -> Resolved:
    lookups = [
        Lookup(each.page, np.array(each.keys, np.uint64), NOW_MS, each.lent) for each in requests
    ]
    rows = np.array([row for each in requests for row in each.rows], np.int64)
    return resolve(
        lookups,
        TTL,
        DIM,
        TASKS,
        reads_user=USER in on,
        reads_neighbours=NEIGHBOUR in on,
        items=items._replace(rows=rows) if ITEM in on else None,
    )


@given(
    st.lists(REQUESTS, min_size=1, max_size=4),
    st.lists(st.none() | AGES_MS, min_size=ITEMS + 1, max_size=ITEMS + 1),
    st.sets(st.sampled_from([ITEM, USER, NEIGHBOUR])),
)
def test_best_tier_that_is_read_wins(
    requests: list[Asked], ages_ms: list[int | None], on: set[int]
) -> None:
    items = some_items(ages_ms)
    fast = resolved(requests, items, on)
    slow = [each for asked in requests for each in slowly(asked, items, on)]
    assert fast.tier.tolist() == [each.tier for each in slow]
    np.testing.assert_allclose(fast.age_s, [each.age_s for each in slow], rtol=1e-6)
    for row, each in enumerate(slow):
        np.testing.assert_array_equal(fast.z[row], each.z)
    assert not fast.logit[fast.tier != PAIR].any()
    np.testing.assert_array_equal(fast.stale, fast.age_s > TTL.soft_s)


def test_codes_are_the_positions_that_students_learned() -> None:
    codes = (NONE, ITEM, USER, NEIGHBOUR, PAIR)
    assert tuple(TIERS[code] for code in codes) == TIERS


def test_what_is_lent_is_still_wanted_of_the_teacher() -> None:
    lent = page_of(random_entries(1, dim=DIM))
    told = resolved([Asked(None, lent, [10, 20], [0, 1])], some_items([None] * 7), {NEIGHBOUR})
    assert told.tier.tolist() == [NEIGHBOUR, NONE]
    assert told.wanted.tolist() == [True, True]
