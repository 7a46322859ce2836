"""Diversity: greedy MAP of a determinantal point process over the candidates' embeddings.

Chen, Zhang and Zhou, "Fast Greedy MAP Inference for Determinantal Point Process", arXiv
1709.05135. With L = diag(q)·S·diag(q), the gain in log det L of one more item is
2·log q + log(its variance given the items picked) under S alone. So S is factored by itself, in
float64, and quality is added as a logarithm: no quality is too small or too large to represent,
and a row of S is computed only when its item is picked.

Letters: n candidates, d embedding width, k positions filled.
"""

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


def _greedy(
    quality: F64, units: F64, known: Mask, depth: int, until: float
) -> tuple[list[int], bool]:
    """Picks in order, and whether there was time for all of them."""
    count = min(depth, len(quality))
    factors = np.zeros((count, len(quality)))  # row t: what pick t explains of each candidate
    variance = np.ones(len(quality))
    waiting = np.ones(len(quality), np.bool_)
    picks: list[int] = []
    for step in range(count):
        pick = _best(quality, variance, known & waiting, ~known & waiting)
        if pick is None:
            break
        picks.append(pick)
        waiting[pick] = False
        if known[pick]:
            similar = (1.0 + units @ units[pick]) / 2.0
            explained = similar - factors[:step, pick] @ factors[:step]
            factors[step] = np.where(known, explained / np.sqrt(variance[pick]), 0.0)
            variance -= factors[step] ** 2
        if perf_counter() > until:
            return picks, step + 1 == count
    return picks, True


def _best(quality: F64, variance: F64, known: Mask, unknown: Mask) -> int | None:
    """None when everything left with an embedding only repeats what is picked already."""
    distinct = known & (variance > RELATIVE_EPSILON)
    if not distinct.any():
        return None
    gain = np.full(len(quality), -np.inf)
    gain[distinct] = quality[distinct] + np.log(variance[distinct])
    neutral = np.log(variance[known].clip(RELATIVE_EPSILON).mean())
    gain[unknown] = quality[unknown] + neutral
    return int(np.argmax(gain))
