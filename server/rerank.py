"""Diversity: greedy MAP of a determinantal point process over the candidates' embeddings.

Chen, Zhang and Zhou, "Fast Greedy MAP Inference for Determinantal Point Process", arXiv
1709.05135. With L = diag(q)·S·diag(q), the gain in log det L of one more item is
2·log q + log(its variance given the items picked) under S alone. So S is factored by itself, in
float64, and quality is added as a logarithm: no quality is too small or too large to represent,
and a row of S is computed only when its item is picked.

Letters: n candidates, d embedding width, k positions filled.
"""

import math
from time import perf_counter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features.records import F32, F64, I64

RELATIVE_EPSILON: Final = 1e-6
"""A candidate whose variance fell below this share of its own is a copy of what is picked."""
MAX_QUALITY: Final = 300.0

Mask = NDArray[np.bool_]


class Reranked(NamedTuple):
    order: I64  # [n]
    reason: str | None  # why this is not, or not wholly, a diverse order


def diversify(
    values: F64, embeddings: F32, known: Mask, diversity: float, depth: int, budget_ms: float
) -> Reranked:
    """`[n]` values, `[n, d]` embeddings → positions, best first.

    The first `depth` are picked greedily, the rest follow by value. A candidate without an
    embedding (`known` false) has the average variance of the others at each step: it gains
    nothing and loses nothing by being unknown.
    """
    by_value = np.argsort(-values, kind="stable")
    if not np.isfinite(values).all() or not np.isfinite(embeddings).all():
        return Reranked(by_value, "not_finite")
    units, known = _units(embeddings, known)
    if not known.any():
        return Reranked(by_value, "no_embeddings")
    until = perf_counter() + budget_ms / 1000.0
    # In order of value, so that of two equal gains the more valuable is picked.
    quality = log_quality(values, diversity)[by_value]
    picks, in_time = _greedy(quality, units[by_value], known[by_value], depth, until)
    rest = np.ones(len(values), np.bool_)
    rest[picks] = False
    order = np.concatenate([by_value[picks], by_value[rest]])
    return Reranked(order, None if in_time else "timeout")


def log_quality(values: F64, diversity: float) -> F64:
    """2·log q = 2·a·r: r the value's place in this request's range, a = θ / 2(1 − θ), θ = 1 − d."""
    low, high = values.min(), values.max()
    if high <= low:
        return np.zeros(len(values))
    strength = min((1.0 - diversity) / (2.0 * max(diversity, 1e-9)), MAX_QUALITY)
    quality: F64 = 2.0 * strength * ((values - low) / (high - low))
    return quality


def _units(embeddings: F32, known: Mask) -> tuple[F64, Mask]:
    rows = embeddings.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1)
    known = known & (norms > 0)
    return rows / np.where(known, norms, 1.0)[:, None], known


class _Kernel:
    """The candidates with an embedding, and how much of each the picks leave unexplained."""

    def __init__(self, units: F64, quality: F64, depth: int) -> None:
        self._units = units
        self._quality = quality
        self._factors = np.empty((depth, len(units)))  # row t: what pick t explains of each
        self._picked = 0
        self._variance = np.ones(len(units))
        self._clipped = np.empty(len(units))

    def best(self) -> tuple[int, float]:
        """The item of most gain; −inf when all that is left repeats what is picked."""
        np.maximum(self._variance, RELATIVE_EPSILON, out=self._clipped)
        gain = np.log(self._clipped)
        gain += self._quality
        gain[self._variance <= RELATIVE_EPSILON] = -np.inf
        item = int(gain.argmax())
        return item, float(gain[item])

    def neutral(self) -> float:
        """Log of the mean variance of those left, as of the last `best`."""
        left = len(self._clipped) - self._picked
        total = float(self._clipped.sum()) - self._picked * RELATIVE_EPSILON
        return math.log(max(total / max(left, 1), RELATIVE_EPSILON))

    def pick(self, item: int) -> None:
        factors, row = self._factors[: self._picked], self._factors[self._picked]
        np.dot(self._units, self._units[item], out=row)
        row += 1.0
        row *= 0.5
        row -= factors[:, item] @ factors
        row /= math.sqrt(self._variance[item])
        self._variance -= row * row
        self._variance[item] = 0.0
        self._picked += 1


def _greedy(
    quality: F64, units: F64, known: Mask, depth: int, until: float
) -> tuple[list[int], bool]:
    """Picks in order, and whether there was time for all of them."""
    count = min(depth, len(quality))
    with_embedding, without = np.flatnonzero(known), np.flatnonzero(~known).tolist()
    kernel = _Kernel(units[with_embedding], quality[with_embedding], count)
    picks: list[int] = []
    while len(picks) < count:
        item, gain = kernel.best()
        if gain == -math.inf:
            break
        # Those without one share a variance, so the most valuable of them, the next, is the best.
        if without and quality[without[0]] + kernel.neutral() > gain:
            picks.append(without.pop(0))
        else:
            picks.append(int(with_embedding[item]))
            kernel.pick(item)
        if perf_counter() > until:
            return picks, len(picks) == count
    return picks, True
