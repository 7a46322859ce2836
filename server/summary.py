"""What an answer and the metrics say of a request's candidates, counted for a batch at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cache.arrays import Mask
from cache.tiers import PAIR, Resolved
from models.features.records import I64
from models.schema import TIERS


class Summary(NamedTuple):
    by_tier: Sequence[int]  # candidates, by code of models.schema.TIERS
    age_s: float  # of all hints together
    stale: int
    unknown: int  # not in the catalogue

    @property
    def candidates(self) -> int:
        return sum(self.by_tier)

    @property
    def hinted(self) -> int:
        return sum(self.by_tier[1:])

    @property
    def wants(self) -> bool:
        """Whether the teacher has something to say that is not in the cache, or is stale."""
        return bool(self.stale) or self.by_tier[PAIR] < self.candidates


def summaries(requests: int, owners: I64, known: Mask, resolved: Resolved | None) -> list[Summary]:
    """By request; `owners` `[N]` says whose each candidate is. No resolution counts as no hint."""
    unknown = _count(owners[~known], requests)
    if resolved is None:
        sizes = _count(owners, requests)
        return [
            Summary((size, 0, 0, 0), 0.0, 0, strange)
            for size, strange in zip(sizes, unknown, strict=True)
        ]
    cells = np.bincount(owners * len(TIERS) + resolved.tier, minlength=requests * len(TIERS))
    # Ages are zero where there is no hint.
    ages_s = np.bincount(owners, resolved.age_s, requests).tolist()
    stale = _count(owners[resolved.stale], requests)
    by_tier: list[list[int]] = cells.reshape(requests, len(TIERS)).tolist()
    return list(map(Summary, by_tier, ages_s, stale, unknown))


def _count(owners: I64, requests: int) -> list[int]:
    counts: list[int] = np.bincount(owners, minlength=requests).tolist()
    return counts
