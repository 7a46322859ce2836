"""The candidates of requests that are assembled together: where they stand in the catalogue."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, Self

import numpy as np

from cache.arrays import Mask
from models.features.records import I64, U64, Override
from server.candidates import CandidateColumns
from server.item_rows import Located


class BatchItems(NamedTuple):
    """One request's candidates after another's; those withdrawn from the catalogue are out."""

    sizes: list[int]  # by request
    parts: list[slice]  # by request
    owners: I64  # [N] into the requests
    keys: U64  # [N]
    rows: I64  # [N]
    asked: list[slice]  # by request, before any were left out
    is_kept: Mask | None = None  # of all that were asked for; None when nothing is out

    @classmethod
    def of(cls, found: Sequence[Located]) -> Self:
        sizes = [len(located.rows) for located in found]
        parts = _parts(sizes)
        return cls(
            sizes,
            parts,
            np.arange(len(sizes)).repeat(sizes),
            np.concatenate([located.keys for located in found]),
            np.concatenate([located.rows for located in found]),
            parts,
        )

    def without(self, withdrawn: Mask) -> Self:
        if not withdrawn.any():
            return self
        is_kept = ~withdrawn
        owners = self.owners[is_kept]
        sizes: list[int] = np.bincount(owners, minlength=len(self.sizes)).tolist()
        return self._replace(
            sizes=sizes,
            parts=_parts(sizes),
            owners=owners,
            keys=self.keys[is_kept],
            rows=self.rows[is_kept],
            is_kept=is_kept,
        )

    def kept(self) -> list[I64 | None]:
        """By request, the positions of its candidates that are left; None for all of them."""
        if self.is_kept is None:
            return [None] * len(self.sizes)
        return [
            None if size == part.stop - part.start else np.flatnonzero(self.is_kept[part])
            for size, part in zip(self.sizes, self.asked, strict=True)
        ]

    def overrides(self, requests: Sequence[CandidateColumns]) -> list[Override]:
        given = [
            Override(part.start + candidate, keys, values)
            for part, request in zip(self.asked, requests, strict=True)
            for candidate, keys, values in request.overrides
        ]
        if self.is_kept is None or not given:
            return given
        place = np.cumsum(self.is_kept) - 1
        return [
            override._replace(candidate=int(place[override.candidate]))
            for override in given
            if self.is_kept[override.candidate]
        ]


def _parts(sizes: Sequence[int]) -> list[slice]:
    ends = accumulate(sizes)
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
