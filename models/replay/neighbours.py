"""The tier between the pair's and the user's: what a teacher said of the same item in the same
context to users like the asker.

Users are alike as their mean z are, seen from the centre of all users (models.replay.user_index).
The index is built at whole multiples of its period since the epoch, so that no log decides when.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models.features.records import F32, I64
from models.replay.lending import Asked, Entries, Lent, Shelf, Windows, nothing_lent, whole_ms
from models.replay.user_index import NOISE, UserIndex
from models.schema import Frozen

BLOCK = 2048
"""Askers whose candidates for neighbours are compared together."""


class NeighbourRules(Frozen):
    hard_ttl_s: float = Field(default=86_400.0, gt=0)
    index_every_s: float = Field(default=3600.0, ge=1)
    reach: int = Field(default=64, gt=0)  # newest entries of the pair that are compared
    nearest: int = Field(default=8, gt=0)  # of them, that are averaged
    least_similarity: float = Field(default=0.0, ge=0, le=1)  # a similarity of 0 weighs nothing


class _Kept(NamedTuple):
    row: I64  # [N, K] of the entries
    weight: F32  # [N, K] 0 beside those that are used


def neighbour_lent(entries: Entries, asked: Asked, rules: NeighbourRules) -> Lent:
    """Of equally similar entries the newer is nearer.

    What is said of an asker does not change with what comes at or after its time.
    """
    lent = nothing_lent(asked, entries)
    if not len(entries.user) or not len(asked.user):
        return lent
    shelf = _PairShelf(entries, rules)
    for rows, directions in _by_refresh(asked, shelf.index, rules):
        part = Asked(*(column[rows] for column in asked))
        kept = shelf.nearest(part, directions)
        for into, values in zip(lent, _averaged(entries, kept, part.now_ms), strict=True):
            into[rows] = values
    return lent


def _by_refresh(asked: Asked, index: UserIndex, rules: NeighbourRules) -> Iterator[tuple[I64, F32]]:
    """Blocks of askers with the directions of the last refresh strictly before all of them."""
    every_ms = whole_ms(rules.index_every_s)
    refresh = (asked.now_ms - 1) // every_ms
    order = np.argsort(refresh, kind="stable")
    for same in np.split(order, np.flatnonzero(np.diff(refresh[order])) + 1):
        as_of_ms = int(refresh[same[0]]) * every_ms
        directions = index.directions(as_of_ms, whole_ms(rules.hard_ttl_s))
        for start in range(0, len(same), BLOCK):
            yield same[start : start + BLOCK], directions


class _PairShelf:
    def __init__(self, entries: Entries, rules: NeighbourRules) -> None:
        self.index = UserIndex(entries.user, entries.at_ms, entries.z)
        self._rules = rules
        self._shelf = Shelf(entries.pair, entries.at_ms)
        self._user = self.index.codes(entries.user)[self._shelf.order]

    def nearest(self, asked: Asked, directions: F32) -> _Kept:
        runs = self._shelf.alive(asked.pair, asked.now_ms, whole_ms(self._rules.hard_ttl_s))
        asker = self.index.codes(asked.user)
        place, compared = self._newest_of_others(runs, asker)
        row = np.nonzero(compared)[0]
        similarity = np.zeros(place.shape, np.float32)
        similarity[compared] = np.vecdot(
            directions[self._user[place[compared]]], directions[asker[row]]
        )
        best = np.argsort(-similarity, axis=1, kind="stable")[:, : self._rules.nearest]
        weight = np.take_along_axis(similarity, best, axis=1)
        weight[(weight < self._rules.least_similarity) | (weight <= NOISE)] = 0.0
        return _Kept(self._shelf.order[np.take_along_axis(place, best, axis=1)], weight)

    def _newest_of_others(self, runs: Windows, asker: I64) -> tuple[I64, NDArray[np.bool_]]:
        """`[N, W]` places, newest first, and which of them are compared: `reach` at most.

        As wide as it must be, for the asker's own entries take places too.
        """
        reach, missing = self._rules.reach, self._rules.reach
        width = 0
        while missing:
            width += missing
            place = runs.end[:, None] - 1 - np.arange(width)
            there = place >= runs.first[:, None]
            place = np.maximum(place, 0)
            other = there & (self._user[place] != asker[:, None])
            missing = int((reach - other.sum(axis=1)).max(where=there[:, -1], initial=0))
        return place, other & (other.cumsum(axis=1) <= reach)


def _averaged(entries: Entries, kept: _Kept, now_ms: I64) -> Lent:
    used, total = kept.weight > 0, kept.weight.sum(axis=1)
    found = total > 0
    share = kept.weight / np.where(found, total, 1.0)[:, None]
    age_ms = now_ms[:, None] - entries.at_ms[kept.row]
    least_ms = age_ms.min(axis=1, where=used, initial=np.iinfo(np.int64).max)
    return Lent(
        np.einsum("nk,nkd->nd", share, entries.z[kept.row]),
        np.einsum("nk,nkt->nt", share, entries.logit[kept.row]),
        (np.where(found, least_ms, 0) / 1000.0).astype(np.float32),
        found,
    )
