"""What the neighbours of one user lend: entries of pairs that the user's own page lacks."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from cache.arrays import F32, F64, I64, U64, Mask
from cache.entries import Entries, worth
from cache.quantise import Precision
from cache.refresh.neighbour_index import Near
from cache.refresh.neighbour_shelf import Shelf


class NeighbourRules(NamedTuple):
    hard_ttl_s: float
    every_s: float = 3600.0  # between two indexes
    nearest_users: int = 32  # that may lend
    nearest: int = 8  # of them, those who hold a pair and are averaged
    entries: int = 256  # lent to a user: the most valuable


class _Offers(NamedTuple):
    """Neighbours' entries; those of a pair are one run, the most similar neighbour's first."""

    row: I64  # [R] of the shelf
    similarity: F32  # [R]
    pair_keys: U64  # [R] ascending

    def starts(self) -> I64:
        """`[P]` where the runs of pairs begin."""
        is_first = np.ones(len(self.row), np.bool_)
        is_first[1:] = self.pair_keys[1:] != self.pair_keys[:-1]
        return np.flatnonzero(is_first)

    def sizes(self) -> I64:
        return np.diff(self.starts(), append=len(self.row))

    def taken(self, rows: NDArray[Any]) -> Self:
        return type(self)(self.row[rows], self.similarity[rows], self.pair_keys[rows])


def lent_to(shelf: Shelf, user: int, near: Near, rules: NeighbourRules) -> Entries:
    """z and logits are averaged by similarity; as old as the newest that went in."""
    offers = _first_of_each_pair(_offers(shelf, user, near, rules), rules.nearest)
    is_kept = _most_valuable(shelf, offers, rules)
    offers = offers.taken(is_kept.repeat(offers.sizes()))
    starts, share = offers.starts(), _shares(offers)
    z = np.add.reduceat(share[:, None] * shelf.z(offers.row), starts, axis=0, dtype=np.float32)
    at_ms = np.maximum.reduceat(shelf.at_ms[offers.row], starts)
    logit = _logits(shelf, offers).astype(np.float32)
    return Entries.of(offers.pair_keys[starts], at_ms, logit, z, Precision.INT8)


def _offers(shelf: Shelf, user: int, near: Near, rules: NeighbourRules) -> _Offers:
    """Of equally similar entries the newer comes first."""
    parts = [np.arange(part.start, part.stop) for part in map(shelf.of_user, near.users.tolist())]
    row = np.concatenate([np.zeros(0, np.int64), *parts])
    similarity = near.similarity.repeat([len(part) for part in parts])
    pair_keys = shelf.pair_keys[row]
    is_lacking = ~np.isin(pair_keys, _own_pairs(shelf, user, rules))
    offers = _Offers(row, similarity, pair_keys).taken(is_lacking)
    at_ms = shelf.at_ms[offers.row]
    return offers.taken(np.lexsort((-at_ms, -offers.similarity, offers.pair_keys)))


def _own_pairs(shelf: Shelf, user: int, rules: NeighbourRules) -> U64:
    """Those that the user's own page holds until the next index."""
    own = shelf.of_user(user)
    until_ms = shelf.now_ms + round((rules.every_s - rules.hard_ttl_s) * 1000)
    return shelf.pair_keys[own][shelf.at_ms[own] >= until_ms]


def _first_of_each_pair(offers: _Offers, count: int) -> _Offers:
    place = np.arange(len(offers.row)) - offers.starts().repeat(offers.sizes())
    return offers.taken(place < count)


def _most_valuable(shelf: Shelf, offers: _Offers, rules: NeighbourRules) -> Mask:
    """`[P]`."""
    starts = offers.starts()
    at_ms = np.maximum.reduceat(shelf.at_ms[offers.row], starts)
    lives_ms = at_ms - shelf.now_ms + round(rules.hard_ttl_s * 1000)
    value = worth(lives_ms, _logits(shelf, offers)[:, 0].astype(np.float32))
    is_kept = np.zeros(len(starts), np.bool_)
    is_kept[np.argsort(-value, kind="stable")[: rules.entries]] = True
    return is_kept


def _logits(shelf: Shelf, offers: _Offers) -> F64:
    weighted = _shares(offers)[:, None] * shelf.logit[offers.row]
    logits: F64 = np.add.reduceat(weighted, offers.starts(), axis=0, dtype=np.float64)
    return logits


def _shares(offers: _Offers) -> F32:
    """Of each entry in its pair's mean."""
    total = np.add.reduceat(offers.similarity, offers.starts()).astype(np.float32)
    share: F32 = offers.similarity / total.repeat(offers.sizes())
    return share
