"""What is asked of the teacher about a request that was answered."""

import numpy as np

from cache.demand import Demand
from models.features.records import I64
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
