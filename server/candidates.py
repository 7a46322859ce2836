"""The candidates of a request as columns, checked."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from models.features.records import F64, I64, Override
from models.schema import Column
from server.bounds import Bounds, BoundsReader, has_bounds
from server.columns import Table
from server.errors import InvalidRequest
from server.wire import Candidate, RankRequest


class CandidateColumns(NamedTuple):
    item_ids: list[str]
    bids: F64 | None  # [N]
    overrides: list[Override]
    unknown_feature: bool
    bounds: Bounds | None = None

    def only(self, kept: I64) -> "CandidateColumns":
        """The candidates at these positions, without the overrides, which were applied by then."""
        item_ids = [self.item_ids[position] for position in kept.tolist()]
        bids = None if self.bids is None else self.bids[kept]
        bounds = None if self.bounds is None else self.bounds.only(kept)
        return CandidateColumns(item_ids, bids, [], self.unknown_feature, bounds)

    @property
    def has_caps(self) -> bool:
        return self.bounds is not None and bool(self.bounds.limits)

    def but(self, kept: I64) -> list[str]:
        """Ids of the others."""
        left_out = np.ones(len(self.item_ids), np.bool_)
        left_out[kept] = False
        return [self.item_ids[position] for position in np.flatnonzero(left_out).tolist()]


class CandidateReader:
    def __init__(self, item_columns: tuple[Column, ...], max_candidates: int) -> None:
        self._table = Table(item_columns)
        self._bounds = BoundsReader(item_columns)
        self._max = max_candidates

    def read(self, request: RankRequest) -> CandidateColumns:
        """Raises InvalidRequest."""
        item_ids, candidates = request.item_ids, request.candidates
        if item_ids is not None and candidates is None:
            self._check(item_ids, "item_ids[{}]")
            if not has_bounds(request):
                return CandidateColumns(item_ids, None, [], False)
            return self._bare(request, item_ids)
        if candidates is not None and item_ids is None:
            return self._columns(request, candidates)
        raise InvalidRequest(
            "exactly one of item_ids and candidates is needed",
            field="candidates",
            value="both" if candidates is not None else "neither",
            remedy="send item_ids for bare ids, candidates for ids with bids or features",
        )

    def _bare(self, request: RankRequest, item_ids: list[str]) -> CandidateColumns:
        excluded = set(request.excluded)
        left = [item_id for item_id in item_ids if item_id not in excluded]
        bounds = self._bounds.read(request, left, (), (), len(item_ids) - len(left))
        return CandidateColumns(left, None, [], False, bounds)

    def _columns(self, request: RankRequest, candidates: list[Candidate]) -> CandidateColumns:
        self._check([candidate.item_id for candidate in candidates], "candidates[{}].item_id")
        bids = _bids(candidates)
        if not has_bounds(request):
            item_ids = [candidate.item_id for candidate in candidates]
            overrides, unknown = self._overrides(dict(enumerate(candidates)))
            return CandidateColumns(item_ids, bids, overrides, unknown)
        return self._bounded(request, candidates, bids)

    def _bounded(
        self, request: RankRequest, candidates: list[Candidate], bids: F64 | None
    ) -> CandidateColumns:
        excluded = set(request.excluded)
        left = {
            position: candidate
            for position, candidate in enumerate(candidates)
            if candidate.item_id not in excluded
        }
        item_ids = [candidate.item_id for candidate in left.values()]
        groups = [candidate.group for candidate in left.values()]
        overrides, unknown = self._overrides(left)
        bounds = self._bounds.read(
            request, item_ids, groups, overrides, len(candidates) - len(left)
        )
        bids = None if bids is None else bids[list(left)]
        return CandidateColumns(item_ids, bids, overrides, unknown, bounds)

    def _check(self, item_ids: list[str], field: str) -> None:
        if len(item_ids) > self._max:
            raise InvalidRequest(
                f"{len(item_ids)} candidates are more than {self._max}",
                field=field.partition("[")[0],
                value=len(item_ids),
                remedy="send fewer, or raise UNDERSTUDY_MAX_CANDIDATES",
            )
        if len(set(item_ids)) != len(item_ids):
            raise _duplicate(item_ids, field)

    def _overrides(self, candidates: Mapping[int, Candidate]) -> tuple[list[Override], bool]:
        """Of candidates by their position in the request; numbered as they follow one another."""
        overrides, unknown = [], False
        for place, (position, candidate) in enumerate(candidates.items()):
            if candidate.features:
                cells = self._table.cells(candidate.features, f"candidates[{position}].features")
                overrides.append(Override(place, cells.keys, cells.numbers))
                unknown |= cells.unknown
        return overrides, unknown


def _bids(candidates: list[Candidate]) -> F64 | None:
    bids = [candidate.bid for candidate in candidates]
    missing = bids.count(None)
    if missing == len(bids):
        return None
    if missing:
        raise InvalidRequest(
            "some candidates have a bid and this one has none",
            field=f"candidates[{bids.index(None)}].bid",
            remedy="send a bid for every candidate, or for none",
        )
    return np.array(bids, np.float64)


def _duplicate(item_ids: list[str], field: str) -> InvalidRequest:
    first = {item_id: position for position, item_id in reversed(list(enumerate(item_ids)))}
    position = next(at for at, item_id in enumerate(item_ids) if first[item_id] != at)
    return InvalidRequest(
        "the candidate is there twice",
        field=field.format(position),
        value=item_ids[position],
        remedy="send each item once",
    )
