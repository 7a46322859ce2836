"""What is asked of the teacher about a request that was answered."""

import numpy as np

from cache.demand import HIT, MISS, STALE, Demand, Others
from cache.tiers import PAIR, Resolved
from models.features.records import I64, Mask
from server.ranked import Ranked


def demand_of(ranked: Ranked, rows: I64) -> Demand:
    """Of these candidates, in arrays of its own: a view would keep a whole batch."""
    context = ranked.context
    return Demand(
        user_id=ranked.request.user_id,
        as_of_ms=ranked.now_ms,
        context=context.keys[0],
        context_numbers=context.numbers[0],
        item_keys=ranked.assembled.item_keys[rows],
        scores=ranked.scored.scores[rows].astype(np.float32),
    )


def whole_demand_of(ranked: Ranked, known: Mask, resolved: Resolved) -> Demand:
    """Of the candidates that are `known`: those that are wanted, and the others to be heard of."""
    rows = np.flatnonzero(known)
    standing = np.where(resolved.stale, STALE, HIT)
    standing = np.where(resolved.tier != PAIR, MISS, standing)[rows].astype(np.uint8)
    none = Others(np.zeros(0, np.uint64), np.zeros(0, np.float32), standing)
    return demand_of(ranked, rows)._replace(others=none).asking(resolved.wanted[rows])
