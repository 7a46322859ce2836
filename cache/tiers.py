"""For each candidate, the best that the cache holds: pair → neighbour → user → item → none. The hot
path."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from cache.arrays import F32, F64, I64, U64, Mask
from cache.page import Page
from cache.sequence import MAX_AGE_MS

NONE: Final = 0
ITEM: Final = 1
USER: Final = 2
NEIGHBOUR: Final = 3
PAIR: Final = 4
"""Positions in models.schema.TIERS."""

NEVER_MS: Final = -(1 << 62)
"""The time of what was never said: older than any TTL."""

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


class Lookup(NamedTuple):
    """One request's candidates, and what the cache held of its user."""

    page: Page | None
    pair_keys: U64  # [n]
    now_ms: int
    lent: Page | None = None  # entries of users like this one


class ItemLent(NamedTuple):
    """What was said of the items of all lookups, to whomever."""

    z: NDArray[np.float16]  # [K, d] means
    newest_ms: I64  # [K] of the newest word in the mean; NEVER_MS without any
    rows: I64  # [N] each candidate's among the K


class Resolved(NamedTuple):
    z: F32  # [N, d] zeros where the tier is none
    logit: F32  # [N, T] zeros unless the tier is pair
    tier: I64  # [N]
    age_s: F32  # [N] zero where the tier is none
    stale: Mask  # [N] past the soft TTL: used, and worth refreshing

    @property
    def wanted(self) -> Mask:
        """`[N]`: what the teacher has something to say of that is not here, or is stale."""
        wanted: Mask = (self.tier != PAIR) | self.stale
        return wanted

    def part(self, of: slice) -> "Resolved":
        z, logit, tier, age_s, stale = self
        return Resolved(z[of], logit[of], tier[of], age_s[of], stale[of])


def resolve(
    lookups: Sequence[Lookup],
    ttl: TtlPolicy,
    dim: int,
    tasks: int,
    *,
    reads_user: bool = True,
    reads_neighbours: bool = False,
    items: ItemLent | None = None,
) -> Resolved:
    """The candidates of all lookups, one after another; new arrays, owned by the caller.

    Without any of the last three a candidate that has no pair has nothing. A page of another width
    than the model reads is no page.
    """
    found = _Found.of(lookups, dim, tasks)
    is_alive = found.is_held & (found.age_s <= ttl.hard_s)
    if not is_alive.all():
        _clear_gaps(found, is_alive)
        is_gap = ~is_alive
        if reads_neighbours:
            _fill_from_neighbours(found, lookups, is_gap, ttl)
        if reads_user:
            _fill_gaps(found, lookups, is_gap, ttl)
        if items is not None:
            _fill_from_items(found, lookups, items, ttl)
    else:
        found.tier.fill(PAIR)
    return Resolved(
        found.z, found.logit, found.tier, found.age_s.astype(np.float32), found.age_s > ttl.soft_s
    )


class _Found(NamedTuple):
    """What pages hold of their candidates; rows that are not held are to be filled."""

    parts: list[slice]  # by lookup
    z: F32
    scale: F32
    logit: F32
    tier: I64
    age_s: F64
    is_held: Mask

    @classmethod
    def of(cls, lookups: Sequence[Lookup], dim: int, tasks: int) -> Self:
        ends = np.cumsum([len(lookup.pair_keys) for lookup in lookups]).tolist()
        parts = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        count = ends[-1]
        found = cls(
            parts,
            np.zeros((count, dim), np.float32),
            np.zeros(count, np.float32),
            np.empty((count, tasks), np.float32),
            np.empty(count, np.int64),
            np.zeros(count),
            np.zeros(count, np.bool_),
        )
        for lookup, part in zip(lookups, parts, strict=True):
            page = lookup.page
            if page is not None and len(page.pair_keys) and _is_width(page, dim, tasks):
                found._read(page, lookup, part)
        # Once for all; what is not held is filled afterwards.
        np.multiply(found.z, found.scale[:, None], out=found.z)
        np.maximum(found.age_s, 0.0, out=found.age_s)
        np.divide(found.age_s, 1000.0, out=found.age_s)
        return found

    def _read(self, page: Page, lookup: Lookup, part: slice) -> None:
        # `take` costs half of what an index in brackets does at these sizes, and "clip" leaves
        # the one row past the last to the comparison of keys.
        rows = page.pair_keys.searchsorted(lookup.pair_keys)
        np.equal(page.pair_keys.take(rows, mode="clip"), lookup.pair_keys, out=self.is_held[part])
        self.z[part] = page.codes.take(rows, axis=0, mode="clip")
        page.scale.take(rows, mode="clip", out=self.scale[part])
        page.logit.take(rows, axis=0, mode="clip", out=self.logit[part])
        older_ms = page.older_ms.take(rows, mode="clip")
        np.add(older_ms, float(lookup.now_ms - page.newest_ms), out=self.age_s[part])


def _is_width(page: Page, dim: int, tasks: int) -> bool:
    return page.dim == dim and page.tasks == tasks


def _clear_gaps(found: _Found, is_alive: Mask) -> None:
    is_gap = ~is_alive
    np.multiply(is_alive, PAIR, out=found.tier)
    found.z[is_gap] = 0.0
    found.logit[is_gap] = 0.0
    found.age_s[is_gap] = 0.0


def _fill_from_neighbours(
    found: _Found, lookups: Sequence[Lookup], is_gap: Mask, ttl: TtlPolicy
) -> None:
    """Takes what it fills out of `is_gap`."""
    if all(lookup.lent is None for lookup in lookups):
        return
    asked = [
        Lookup(lookup.lent, lookup.pair_keys[is_gap[part]], lookup.now_ms)
        for lookup, part in zip(lookups, found.parts, strict=True)
    ]
    lent = _Found.of(asked, found.z.shape[1], found.logit.shape[1])
    is_lent = lent.is_held & (lent.age_s <= ttl.hard_s)
    rows = np.flatnonzero(is_gap)[is_lent]
    found.z[rows] = lent.z[is_lent]
    found.age_s[rows] = lent.age_s[is_lent]
    found.tier[rows] = NEIGHBOUR
    is_gap[rows] = False


def _fill_gaps(found: _Found, lookups: Sequence[Lookup], is_gap: Mask, ttl: TtlPolicy) -> None:
    for lookup, part in zip(lookups, found.parts, strict=True):
        if is_gap[part].any():
            _fill_from_user(found, lookup, part, is_gap[part], ttl)


def _fill_from_user(
    found: _Found, lookup: Lookup, part: slice, is_gap: Mask, ttl: TtlPolicy
) -> None:
    page, (dim, tasks) = lookup.page, (found.z.shape[1], found.logit.shape[1])
    if page is None or not page.aggregate.pairs or not _is_width(page, dim, tasks):
        return
    age_s = max(lookup.now_ms - page.aggregate.computed_at_ms, 0) / 1000.0
    if age_s <= ttl.hard_s:
        found.z[part][is_gap] = page.aggregate.z
        found.tier[part][is_gap] = USER
        found.age_s[part][is_gap] = age_s


def _fill_from_items(
    found: _Found, lookups: Sequence[Lookup], items: ItemLent, ttl: TtlPolicy
) -> None:
    gaps = np.flatnonzero(found.tier == NONE)
    if not len(gaps):
        return
    sizes = [part.stop - part.start for part in found.parts]
    now_ms = np.array([lookup.now_ms for lookup in lookups]).repeat(sizes)
    rows = items.rows.take(gaps)
    age_s = np.maximum(now_ms.take(gaps) - items.newest_ms.take(rows), 0) / 1000.0
    is_alive = age_s <= ttl.hard_s
    filled = gaps[is_alive]
    found.z[filled] = items.z.take(rows[is_alive], axis=0)
    found.age_s[filled] = age_s[is_alive]
    found.tier[filled] = ITEM
