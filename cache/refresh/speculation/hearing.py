"""A request as a policy hears of it. A pair's code is its key's 64 bits, and so is an item's."""

import numpy as np

from cache.arrays import F32, U8, U64
from cache.demand import MISS, Demand
from cache.keys import pair_keys
from cache.refresh.speculation.people import code_of
from models.speculation.policy import Asked


def asked_of(demand: Demand) -> Asked:
    """Of a demand without others all that is known is what was missed or stale."""
    items, scores, standing = _candidates(demand)
    codes = pair_keys(items, demand.context).view(np.int64)
    pairs, rows = np.unique(codes, return_index=True)
    return Asked(
        code_of(demand.user_id),
        demand.as_of_ms,
        pairs,
        items.view(np.int64)[rows],
        np.clip(np.nan_to_num(scores[rows]), 0.0, 1.0),
        standing[rows],
    )


def _candidates(demand: Demand) -> tuple[U64, F32, U8]:
    others = demand.others
    if others is None:
        missed = np.full(len(demand.item_keys), MISS, np.uint8)
        return demand.item_keys, demand.scores, missed
    return (
        np.concatenate([demand.item_keys, others.item_keys]),
        np.concatenate([demand.scores, others.scores]),
        others.standing,
    )
