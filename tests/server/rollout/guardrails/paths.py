"""When a path of observations is looked at, and how often its interval then misses the truth."""

from collections.abc import Callable
from typing import Final

import numpy as np

from models.features.records import F64, I64, Mask

LOOKS: Final[I64] = np.unique(np.geomspace(5, 4_000, 60).astype(np.int64))


def ever(is_wrong: Callable[[int], Mask]) -> float:
    """Share of paths for which it holds at any look, asked with the number of observations."""
    wrong = np.array([is_wrong(at) for at in LOOKS.tolist()])
    return float(wrong.any(axis=0).mean())


def counts(rng: np.random.Generator, rate: float, paths: int) -> F64:
    """`[looks, paths]` events by then."""
    steps = np.diff(LOOKS, prepend=0)
    return rng.binomial(steps[:, None], rate, (len(steps), paths)).cumsum(axis=0).astype(np.float64)
