"""Maximal marginal relevance, to compare the rerank with: of the same embeddings and values.

Carbonell and Goldstein, "The Use of MMR", SIGIR 1998: pick the item of most
λ·r − (1 − λ)·(its greatest similarity to a pick), r the value's place in the request's range.
"""

import numpy as np

from models.features.records import F32, F64
from server.variance import vectors


def mmr(values: F64, embeddings: F32, trade: float, depth: int) -> list[int]:
    """`[n]` values in falling order, `[n, d]` embeddings; `trade` is λ, 1 the order of value."""
    rows = np.empty((embeddings.shape[1] + 1, len(values)))
    vectors(embeddings, np.ones(len(values), np.bool_), rows)
    worth = trade * _places(values)
    nearest, row, gain = np.zeros(len(values)), np.empty(len(values)), np.empty(len(values))
    picks: list[int] = []
    for _ in range(min(depth, len(values))):
        np.multiply(nearest, trade - 1.0, out=gain)
        gain += worth
        pick = int(gain.argmax())
        picks.append(pick)
        worth[pick] = -np.inf
        np.dot(rows[:, pick], rows, out=row)
        np.maximum(nearest, row, out=nearest)
    return picks


def _places(values: F64) -> F64:
    low, high = values.min(), values.max()
    places: F64 = (values - low) / (high - low) if high > low else np.zeros(len(values))
    return places
