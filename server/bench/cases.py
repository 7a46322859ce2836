"""What is timed: slates of one size, ordered in every way."""

from collections.abc import Callable
from typing import Final

import numpy as np

from models.schema import TIERS
from server.bench.mmr import mmr
from server.rerank import Wish
from server.slate import NO_WISH, Bound, Ordering

DIM: Final = 32
STRENGTH: Final = 0.5
WINDOW: Final = 10
GROUPS: Final = 40
LIMIT: Final = 2
PINS: Final = 2
FOREVER_MS: Final = 60_000.0

Case = Callable[[], object]


def cases(count: int, top_k: int, seed: int = 0) -> dict[str, Case]:
    """By name. The constraints: at most LIMIT of a group, and PINS pins."""
    rng = np.random.default_rng(seed)
    values = rng.random(count)
    z = rng.normal(size=(count, DIM)).astype(np.float32)
    hints = (z, np.full(count, TIERS.index("pair")))
    places = np.zeros(count, np.int64)
    places[:PINS] = np.arange(1, PINS + 1) * 3
    groups = rng.integers(1, GROUPS + 1, (count, 1)).astype(np.uint64)
    bound = Bound(places, groups, (LIMIT,), 0)
    ordering = Ordering(top_k, FOREVER_MS)

    def ordered(wish: Wish, bound: Bound | None = None) -> Case:
        return lambda: ordering.order(values, None, hints, top_k, wish, bound)

    def by_mmr() -> object:
        by_value = np.argsort(-values, kind="stable")
        return by_value[mmr(values[by_value], z.take(by_value, axis=0), STRENGTH, top_k)]

    return {
        "by value": ordered(NO_WISH),
        "by value, constraints": ordered(NO_WISH, bound),
        "MMR": by_mmr,
        "DPP": ordered(Wish(STRENGTH)),
        "DPP, constraints": ordered(Wish(STRENGTH), bound),
        "DPP, window": ordered(Wish(STRENGTH, WINDOW)),
        "DPP, window, constraints": ordered(Wish(STRENGTH, WINDOW), bound),
    }


def reference() -> Case:
    """Arithmetic that no change here makes faster: a product of 500 × 32 and 32 × 500."""
    left = np.random.default_rng(0).normal(size=(500, DIM)).astype(np.float32)
    right = np.ascontiguousarray(left.T)
    return lambda: left @ right
