"""Scores → the ordered answer."""

from typing import NamedTuple

import numpy as np

from models.features.records import F32, F64, I64
from models.schema import TIERS
from server.rerank import diversify

NEIGHBOUR = TIERS.index("neighbour")


class Order(NamedTuple):
    positions: I64  # [k] of the candidates, best first
    values: F64  # [N] score × bid, or the score
    reason: str | None  # why the rerank gave less than asked


class Ordering(NamedTuple):
    """How slates are ordered; the settings' part of it."""

    rerank_depth: int
    rerank_budget_ms: float

    def order(
        self,
        scores: F64,
        bids: F64 | None,
        hints: tuple[F32, I64] | None,  # z [N, d] and tier [N]
        top_k: int | None,
        diversity: float,
    ) -> Order:
        values = scores if bids is None else scores * bids
        if diversity <= 0.0 or not len(scores):
            return Order(np.argsort(-values, kind="stable")[:top_k], values, None)
        depth = min(self.rerank_depth, top_k or self.rerank_depth)
        z, tier = hints or (np.zeros((len(scores), 1), np.float32), np.zeros(len(scores), np.int64))
        # A user's aggregate is the same vector for every candidate: it says nothing of this item.
        known = tier >= NEIGHBOUR
        ranked = diversify(values, z, known, diversity, depth, self.rerank_budget_ms)
        return Order(ranked.order[:top_k], values, ranked.reason)
