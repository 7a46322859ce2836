"""Demands of no schema in particular."""

import numpy as np

from cache.demand import Demand


def make_demand(user_id: str = "u", items: tuple[int, ...] = (1, 2), context: int = 9) -> Demand:
    return Demand(
        user_id,
        as_of_ms=1000,
        context=np.array([context], np.uint64),
        context_numbers=np.array([0.5, np.nan], np.float32),
        item_keys=np.array(items, np.uint64),
        scores=np.linspace(0, 1, len(items)).astype(np.float32),
    )
