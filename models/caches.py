"""What a cache says for a batch of a log, by how much of the teacher's word it is taken to hold."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.annotation.annotations import Annotations
from models.data.causal import Replay
from models.examples import CacheSource, taken
from models.features.cached import no_hints
from models.features.records import I64, CacheAnswer, Hints, ZSequence
from models.replay.sequence import sequence_at
from models.schema import TIERS, Tier

Mask = NDArray[np.bool_]
Reads = Literal["nothing", "sequence", "pairs", "all"]
"""Of the teacher, when it answers: pairs come with the tiers below them."""


@dataclass(frozen=True, slots=True)
class Caches:
    """For students that read `tiers` below the pair, and a sequence on `length` events."""

    replay: Replay
    notes: Annotations
    tiers: tuple[Tier, ...] = ()
    length: int = 0

    def dropping(self, rng: np.random.Generator, *, has_pairs: bool = True) -> CacheSource:
        """A cache that lost a random share of its pairs and, each apart from that, of every tier
        below and of the sequences: what a student trains on, so that a miss is ordinary.

        Each share is drawn uniformly over 0–100 % once a batch.
        """
        tiers: tuple[Tier, ...] = (*self.tiers, "pair") if has_pairs else ()

        def answer(requests: I64, impressions: I64) -> CacheAnswer:
            kept = {tier: _drawn(len(impressions), rng.random(), rng) for tier in tiers}
            sequences = _drawn(len(requests), rng.random(), rng)
            return self._answer(requests, impressions, kept, sequences)

        return answer

    def holding(
        self,
        pairs: float,
        rng: np.random.Generator,
        *,
        tiers: Collection[Tier] = (),
        has_sequence: bool = False,
    ) -> CacheSource:
        """This share of the pairs, at random, and all of some tiers below them."""

        def answer(requests: I64, impressions: I64) -> CacheAnswer:
            kept = dict.fromkeys(tiers, np.ones(len(impressions), np.bool_))
            kept["pair"] = _drawn(len(impressions), pairs, rng)
            return self._answer(requests, impressions, kept, np.full(len(requests), has_sequence))

        return answer

    def held(self) -> CacheSource:
        """As the replayed cache was."""

        def answer(requests: I64, impressions: I64) -> CacheAnswer:
            held = self.notes.held[impressions]
            kept = {tier: held == TIERS.index(tier) for tier in (*self.tiers, "pair")}
            for tier in self.tiers:  # what the pair hides stays hidden, what it does not is there
                kept[tier] |= held > TIERS.index(tier)
            return self._answer(requests, impressions, kept, np.ones(len(requests), np.bool_))

        return answer

    def _answer(
        self, requests: I64, impressions: I64, kept: Mapping[Tier, Mask], sequences: Mask
    ) -> CacheAnswer:
        rungs = [
            (taken(self.notes.tier(tier), impressions), kept[tier])
            for tier in TIERS
            if tier in kept
        ]
        dim, tasks = (column.shape[1] for column in self.notes.pair[:2])
        hints = laddered(rungs, no_hints(len(impressions), dim, tasks))
        return CacheAnswer(hints, self._sequence(requests, sequences) if self.length else None)

    def _sequence(self, requests: I64, is_kept: Mask) -> ZSequence:
        there = sequence_at(self.replay, self.notes.sequence, requests, self.length)
        is_lost = ~is_kept
        there.z[is_lost] = 0.0
        there.said[is_lost] = 0.0
        return there


def laddered(rungs: Sequence[tuple[Hints, Mask]], hints: Hints) -> Hints:
    """Over `hints`, those of each rung where it is kept and has any: the best rung comes last."""
    for rung, kept in rungs:
        is_there = kept & (rung.tier > 0)
        columns: Iterable[tuple[NDArray[Any], NDArray[Any]]] = zip(hints, rung, strict=True)
        for column, better in columns:
            column[is_there] = better[is_there]
    return hints


def _drawn(count: int, share: float, rng: np.random.Generator) -> Mask:
    drawn: Mask = rng.random(count) < share
    return drawn
