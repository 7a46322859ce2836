"""What a request lays down about its slate, beside what orders it: caps, pins, exclusions."""

from collections.abc import Container, Sequence
from typing import Final, NamedTuple

import numpy as np

from models.features.hashing import key64
from models.features.records import I64, U64, Override
from models.schema import Column, categorical
from server.errors import InvalidRequest
from server.slate import Bound
from server.wire import RankRequest

GROUP: Final = "group"
INLINE: Final = -1
"""The candidates' own group, among the columns that are counted by."""


class Bounds(NamedTuple):
    """Of the N candidates that are not excluded."""

    places: I64 | None  # [N] that each is pinned to, from 1; 0 = wherever
    columns: tuple[int, ...]  # [C] among the categorical item columns, or INLINE
    limits: tuple[int, ...]  # [C]
    given: U64  # [N, C] keys that the request itself gives; 0 = ask the catalogue
    excluded: int  # how many candidates were

    def only(self, kept: I64) -> "Bounds":
        places = None if self.places is None else self.places[kept]
        return self._replace(places=places, given=self.given[kept])

    def with_catalogue(self, keys: U64 | None) -> Bound:
        """`keys` [N, F]: the catalogue's categorical columns; None when nothing is counted."""
        groups = self.given.copy()
        for place, column in enumerate(self.columns):
            if column != INLINE and keys is not None:
                of = groups[:, place]
                groups[:, place] = np.where(of == 0, keys[:, column], of)
        return Bound(self.places, groups, self.limits, self.excluded)


class BoundsReader:
    def __init__(self, item_columns: tuple[Column, ...]) -> None:
        keyed = categorical(item_columns)
        self._columns = {column.name: place for place, column in enumerate(keyed)}

    def read(
        self,
        request: RankRequest,
        item_ids: Sequence[str],
        groups: Sequence[str | None],
        overrides: Sequence[Override],
        excluded: int,
    ) -> Bounds:
        """Raises InvalidRequest."""
        columns = tuple(self._column(name, any(groups)) for name in request.max_per)
        given = np.zeros((len(item_ids), len(columns)), np.uint64)
        for place, column in enumerate(columns):
            given[:, place] = (
                _inline(groups) if column == INLINE else _overridden(len(given), overrides, column)
            )
        places = _places(request, item_ids) if request.pinned else None
        return Bounds(places, columns, tuple(request.max_per.values()), given, excluded)

    def _column(self, name: str, has_groups: bool) -> int:
        if name == GROUP and has_groups:
            return INLINE
        if name in self._columns:
            return self._columns[name]
        raise InvalidRequest(
            f"the columns to count by are {', '.join(self._columns) or 'none'}, and the "
            "candidates' own group where they give one",
            field=f"max_per.{name}",
            value=name,
            remedy="name one of them, or give candidates a group and cap `group`",
        )


def has_bounds(request: RankRequest) -> bool:
    return bool(request.max_per or request.pinned or request.excluded)


def _inline(groups: Sequence[str | None]) -> U64:
    return np.array([key64(group) if group else 0 for group in groups], np.uint64)


def _overridden(count: int, overrides: Sequence[Override], column: int) -> U64:
    keys = np.zeros(count, np.uint64)
    for override in overrides:
        keys[override.candidate] = override.keys.get(column, 0)
    return keys


def _places(request: RankRequest, item_ids: Sequence[str]) -> I64:
    _check_pins(request, set(item_ids), len(item_ids))
    wanted = map(request.pinned.get, item_ids, [0] * len(item_ids))
    return np.array(list(wanted), np.int64)


def _check_pins(request: RankRequest, candidates: Container[str], count: int) -> None:
    last = count if request.top_k is None else min(request.top_k, count)
    excluded, held = set(request.excluded), dict[int, str]()
    for item_id, place in request.pinned.items():
        if item_id in excluded:
            raise _refused(item_id, place, "the item is excluded too", "pin it or exclude it")
        if item_id not in candidates:
            raise _refused(item_id, place, "no candidate has this id", "send it as a candidate")
        if place > last:
            what = f"the slate has {last} places"
            raise _refused(item_id, place, what, "pin it higher, or raise top_k")
        if (other := held.setdefault(place, item_id)) != item_id:
            what = f"{other} is pinned to this place"
            raise _refused(item_id, place, what, "give each pin a place of its own")


def _refused(item_id: str, place: int, what: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(what, field=f"pinned.{item_id}", value=place, remedy=remedy)
