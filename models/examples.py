"""A log as one model's batches: features, labels, positions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np

from models.data.batches import Pairs, records, shown
from models.data.causal import Replay
from models.features.build import build
from models.features.item_table import ItemTable
from models.features.records import F32, I64, Arrays, CacheAnswer, Hints
from models.schema import FeatureSchema, Tier

RATE_BOUND: Final = 1e-4
CacheSource = Callable[[I64, I64], CacheAnswer]
"""Requests `[R]` and their impressions `[N]`, rows of the log → what a cache says, possibly at
random."""


class Batch(NamedTuple):
    """R requests with all their N impressions."""

    arrays: Arrays
    labels: F32  # [N, T] −1 = unknown
    position: I64  # [N] 0 = unknown
    impression: I64  # [N] rows of the log
    requests: I64  # [R] rows of the log


@dataclass(frozen=True, slots=True)
class Examples:
    replay: Replay
    schema: FeatureSchema
    items: ItemTable
    position: I64  # [I]

    @classmethod
    def of(cls, replay: Replay, schema: FeatureSchema) -> Self:
        position = replay.log.impressions["position"].to_numpy().astype(np.int64)
        return cls(replay, schema, ItemTable.of(schema, replay.catalogue), position)

    def batch(self, requests: I64, cache: CacheSource | None = None) -> Batch:
        seen = shown(self.replay, requests)
        answer = None if cache is None else cache(requests, seen.impression)
        arrays = self.arrays(requests, seen.pairs, answer=answer)
        labels = self.replay.labels[seen.impression].astype(np.float32)
        return Batch(arrays, labels, self.position[seen.impression], seen.impression, requests)

    def arrays(
        self,
        requests: I64,
        pairs: Pairs,
        *,
        as_of_ms: I64 | None = None,
        answer: CacheAnswer | None = None,
    ) -> Arrays:
        """Features of any pairs; `as_of_ms` [R]: as they would have been computed at that time."""
        length = self.schema.history_length
        asked, candidates = records(self.replay, requests, length, pairs, as_of_ms=as_of_ms)
        return build(self.schema, self.items, asked, candidates, answer)


def features_of(
    replay: Replay,
    length: int,
    teacher_dim: int,
    until_ms: int,
    *,
    tiers: tuple[Tier, ...] = (),
    reads_sequence: bool = False,
) -> FeatureSchema:
    """What a model reads of a log; base rates are those of before `until_ms`."""
    before = replay.labels[: replay.offsets[np.searchsorted(replay.time_ms, until_ms)]]
    rates = [task[task >= 0].mean() for task in before.T]
    return FeatureSchema(
        log=replay.log.schema,
        history_length=length,
        teacher_dim=teacher_dim,
        teacher_tiers=tiers,
        reads_sequence=reads_sequence,
        prior_rates=tuple(float(np.clip(rate, RATE_BOUND, 1.0 - RATE_BOUND)) for rate in rates),
    )


def taken(hints: Hints, rows: I64) -> Hints:
    return Hints(hints.z[rows], hints.logit[rows], hints.tier[rows], hints.age_s[rows])
