"""Who is like whom: users by the direction in which their mean z lies from everyone's."""

from typing import Final, NamedTuple

import numpy as np
from voyager import Index, Space

from cache.arrays import F32, F64, I64

NOISE: Final = 1e-6
"""Relative rounding of float32: what is no larger has no direction, and no similarity."""
SEARCHED: Final = 200
"""Of HNSW's candidates at least: see docs/cache.md for what that recalls."""
SEED: Final = 1


class Near(NamedTuple):
    """Others like a user, the most similar first."""

    users: I64  # [K] at most
    similarity: F32  # [K] cosines, above NOISE


def directions_of(means: F32) -> F32:
    """`[U, d]` of length 1 from the centre of all users; zeros for one that is the centre."""
    exact: F64 = means.astype(np.float64)
    centre = exact.mean(axis=0) if len(exact) else np.zeros(exact.shape[1])
    away = exact - centre
    length = np.linalg.norm(away, axis=1, keepdims=True)
    noise = NOISE * (np.linalg.norm(exact, axis=1, keepdims=True) + np.linalg.norm(centre))
    is_directed = length > noise
    unit = np.where(is_directed, away / np.where(is_directed, length, 1.0), 0.0)
    return unit.astype(np.float32)


class NeighbourIndex:
    """Blocks while it is built: seconds for tens of thousands of users, on one thread."""

    def __init__(self, directions: F32) -> None:
        self._directions = directions
        self._known: I64 = np.flatnonzero(directions.any(axis=1))
        self._index = Index(
            Space.Cosine,
            directions.shape[1],
            random_seed=SEED,
            max_elements=max(len(self._known), 1),
        )
        if len(self._known):
            self._index.add_items(directions[self._known], self._known.tolist(), num_threads=1)

    def near(self, user: int, most: int) -> Near:
        """Nobody for a user without a direction."""
        count = min(most + 1, len(self._known))
        direction = self._directions[user]
        if count < 2 or not direction.any():
            return Near(np.zeros(0, np.int64), np.zeros(0, np.float32))
        found, _ = self._index.query(direction, k=count, query_ef=max(SEARCHED, 2 * count))
        others = found.astype(np.int64)
        others = others[others != user][:most]
        similarity = self._directions[others] @ direction
        is_similar = similarity > NOISE
        return Near(others[is_similar], similarity[is_similar])
