"""What an answer and the metrics say of a request's candidates, counted for a batch at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cache.arrays import Mask
from cache.tiers import PAIR, Resolved
from models.features.records import I64
from models.schema import TIERS


class Summary(NamedTuple):
    candidates: int
    by_tier: Sequence[int]  # candidates, by code of models.schema.TIERS
    age_s: float  # of all hints together
    stale: int
    unknown: int  # not in the catalogue

    @property
    def hinted(self) -> int:
        return self.candidates - self.by_tier[0]

    @property
    def wants(self) -> bool:
        """Whether the teacher has something to say that is not in the cache, or is stale."""
        return self.stale > 0 or self.by_tier[PAIR] < self.candidates


def summaries(
    sizes: Sequence[int], owners: I64, known: Mask, resolved: Resolved | None
) -> list[Summary]:
    """By request, `sizes` being their candidates; `owners` `[N]` says whose each candidate is.
    No resolution counts as no hint."""
    requests = len(sizes)
    unknown = _count(owners, ~known, requests)
    if resolved is None:
        tiers: list[list[int]] = [[size] + [0] * (len(TIERS) - 1) for size in sizes]
        return list(map(Summary, sizes, tiers, [0.0] * requests, [0] * requests, unknown))
    cells = np.bincount(owners * len(TIERS) + resolved.tier, minlength=requests * len(TIERS))
    tiers = cells.reshape(requests, len(TIERS)).tolist()
    # Ages are zero where there is no hint.
    ages_s: list[float] = np.bincount(owners, resolved.age_s, requests).tolist()
    stale = _count(owners, resolved.stale, requests)
    return list(map(Summary, sizes, tiers, ages_s, stale, unknown))


def _count(owners: I64, counted: Mask, requests: int) -> list[int]:
    if not counted.any():
        return [0] * requests
    counts: list[int] = np.bincount(owners[counted], minlength=requests).tolist()
    return counts
