"""For each candidate, the best of what a page holds: pair → user → none. The request's hot path."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import F32, F64, I64, U64, Mask
from cache.page import MAX_AGE_MS, Page
from cache.quantise import restored

NONE: Final = 0
USER: Final = 1
NEIGHBOUR: Final = 2
"""Positions in models.schema.TIERS. Nothing is lent by neighbours yet."""
PAIR: Final = 3


SOFT_TTL_S: Final = 600.0
HARD_TTL_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class TtlPolicy:
    """An entry is a hit until `soft_s`, stale until `hard_s`, then a miss.

    Gateways and refreshers need the same one: what a gateway finds stale, a refresher must not
    find fresh.
    """

    soft_s: float = SOFT_TTL_S
    hard_s: float = HARD_TTL_S

    def __post_init__(self) -> None:
        if not 0 < self.soft_s <= self.hard_s <= MAX_AGE_MS / 1000:
            raise ValueError(
                f"soft TTL {self.soft_s} s and hard TTL {self.hard_s} s: need "
                f"0 < soft ≤ hard ≤ {MAX_AGE_MS // 1000}"
            )


class Resolved(NamedTuple):
    z: F32  # [N, d] zeros where the tier is none
    logit: F32  # [N, T] zeros unless the tier is pair
    tier: I64  # [N]
    age_s: F32  # [N] zero where the tier is none
    stale: Mask  # [N] past the soft TTL: used, and worth refreshing


def resolve(
    page: Page | None, pair_keys: U64, now_ms: int, ttl: TtlPolicy, dim: int, tasks: int
) -> Resolved:
    """A page of another width than the model reads is no page. New arrays, owned by the caller."""
    if page is None or page.dim != dim or page.tasks != tasks:
        return _nothing(len(pair_keys), dim, tasks)
    pairs = _alive_pairs(page, pair_keys, now_ms, ttl)
    if len(pairs.hits) == len(pair_keys):
        return _all_pairs(page, pairs, ttl)
    resolved = _nothing(len(pair_keys), dim, tasks)
    _fill_from_user(resolved, page, now_ms, ttl)
    if len(pairs.hits):
        _fill_from_pairs(resolved, page, pairs, ttl)
    return resolved


def _nothing(count: int, dim: int, tasks: int) -> Resolved:
    return Resolved(
        np.zeros((count, dim), np.float32),
        np.zeros((count, tasks), np.float32),
        np.zeros(count, np.int64),
        np.zeros(count, np.float32),
        np.zeros(count, np.bool_),
    )


def _fill_from_user(into: Resolved, page: Page, now_ms: int, ttl: TtlPolicy) -> None:
    age_s = max(now_ms - page.aggregate.computed_at_ms, 0) / 1000.0
    if not page.aggregate.pairs or age_s > ttl.hard_s:
        return
    into.z[:] = page.aggregate.z
    into.tier[:] = USER
    into.age_s[:] = age_s
    into.stale[:] = age_s > ttl.soft_s


class _Pairs(NamedTuple):
    hits: I64  # positions among the candidates
    rows: I64  # of the page, by hit
    age_s: F64  # by hit


def _alive_pairs(page: Page, pair_keys: U64, now_ms: int, ttl: TtlPolicy) -> _Pairs:
    if not len(page.pair_keys):
        return _Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    # `take` costs half of what an index in brackets does at these sizes.
    rows = page.pair_keys.searchsorted(pair_keys)
    np.minimum(rows, len(page.pair_keys) - 1, out=rows)
    hits = (page.pair_keys.take(rows) == pair_keys).nonzero()[0]
    if len(hits) < len(rows):
        rows = rows.take(hits)
    age_s = (page.older_ms.take(rows).astype(np.float64) + (now_ms - page.newest_ms)) / 1000.0
    np.maximum(age_s, 0.0, out=age_s)
    is_alive = age_s <= ttl.hard_s
    if is_alive.all():
        return _Pairs(hits, rows, age_s)
    return _Pairs(hits[is_alive], rows[is_alive], age_s[is_alive])


def _all_pairs(page: Page, pairs: _Pairs, ttl: TtlPolicy) -> Resolved:
    """A warm user: nothing to fill in from elsewhere, so nothing is written twice."""
    return Resolved(
        restored(page.codes.take(pairs.rows, axis=0), page.scale.take(pairs.rows)),
        page.logit.take(pairs.rows, axis=0),
        np.full(len(pairs.rows), PAIR, np.int64),
        pairs.age_s.astype(np.float32),
        pairs.age_s > ttl.soft_s,
    )


def _fill_from_pairs(into: Resolved, page: Page, pairs: _Pairs, ttl: TtlPolicy) -> None:
    hits, rows, age_s = pairs
    into.z[hits] = restored(page.codes.take(rows, axis=0), page.scale.take(rows))
    into.logit[hits] = page.logit.take(rows, axis=0)
    into.tier[hits] = PAIR
    into.age_s[hits] = age_s
    into.stale[hits] = age_s > ttl.soft_s
