"""What a gateway process adds to the sums of a lane, request by request.

Written for its cost: one request adds a dozen numbers, and an array operation on each would take
longer than what it adds.
"""

import math
from bisect import bisect_left
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import numpy as np
import xxhash

from models.features.records import F64, I64
from server.rollout.guardrails.agreement import Agreement
from server.rollout.guardrails.attribution import Settled
from server.rollout.guardrails.errors import CountRefused
from server.rollout.guardrails.layout import (
    AGE_S,
    ANSWERED,
    CLICKS,
    CLICKS_SQUARED,
    COMPARED,
    CONSTANT,
    DEGRADATIONS,
    DEGRADED,
    ERRORS,
    EXPECTED,
    GROUPED,
    GROUPS,
    HINTED,
    HINTED_SQUARED,
    IMPRESSIONS,
    LATENCY_EDGES_S,
    NAN,
    RATIO_EDGES,
    RATIOS,
    REQUESTS,
    SCORE_EDGES,
    SCORES,
    SETTLED,
    SPREAD,
    TIER_CANDIDATES,
    TOP_K,
    TOTAL,
    VALUE,
    VALUE_SQUARED,
)
from server.rollout.guardrails.sums import Sums

_CLIP: Final = 1e-7
_LATENCY_EDGES_S: Final[list[float]] = LATENCY_EDGES_S.tolist()
_RATIO_EDGES: Final[list[float]] = RATIO_EDGES.tolist()
_SCORE_EDGES: Final[list[float]] = SCORE_EDGES.tolist()
_CLASSES: Final = {stage: DEGRADATIONS.start + at for at, stage in enumerate(DEGRADED)}


class Answer(NamedTuple):
    request_id: str
    user_id: str
    total_s: float
    degraded: Collection[str]  # stages
    scores: F64  # [n] calibrated probabilities
    by_tier: Sequence[int]  # candidates, by code of TIERS
    age_s: float  # of all hints together
    has_nan: bool = False
    """The student gave what is no number, and something else answered in its place."""


def count_error(sums: Sums) -> None:
    sums.held[REQUESTS.start] += 1.0
    sums.held[ERRORS.start] += 1.0


def count_answer(sums: Sums, answer: Answer) -> None:
    """Raises CountRefused, having counted nothing, for a stage that is no class of reasons."""
    count_scored(sums, answer)
    sums.held[TOTAL.start + latency_bucket(answer.total_s)] += 1.0


def count_scored(sums: Sums, answer: Answer) -> None:
    """The same without its times: of a shadow, for which nobody waited."""
    classes = _classes(answer.degraded) if answer.degraded else ()
    held = sums.held
    held[REQUESTS.start] += 1.0
    for place in classes:
        held[place] += 1.0
    _count_scores(held, answer)
    _count_hints(held, answer)


def count_shadow(sums: Sums, agreed: Agreement) -> None:
    if agreed.places:
        sums.held[COMPARED.start] += 1.0
        sums.held[TOP_K.start] += agreed.share


def count_ratio(sums: Sums, ratio: float) -> None:
    sums.held[RATIOS.start + bisect_left(_RATIO_EDGES, ratio)] += 1.0


def count_settled(sums: Sums, settled: Settled) -> None:
    held, group = sums.held, GROUPED.start + group_of(settled.user_id)
    held[IMPRESSIONS.start] += settled.impressions
    held[SPREAD.start] += settled.spread
    held[CLICKS_SQUARED.start] += settled.clicks**2
    held[VALUE_SQUARED.start] += settled.value**2
    held[group + SETTLED * GROUPS] += 1.0
    held[group + CLICKS * GROUPS] += settled.clicks
    held[group + VALUE * GROUPS] += settled.value
    held[group + EXPECTED * GROUPS] += settled.expected


def group_of(user_id: str) -> int:
    """Seeded apart from the hash that chooses the lane, or a lane would have few of the groups."""
    return xxhash.xxh3_64_intdigest(user_id.encode(), seed=2) % GROUPS


def latency_bucket(seconds: float) -> int:
    return bisect_left(_LATENCY_EDGES_S, seconds)


def score_bucket(probability: float) -> int:
    clipped = min(max(probability, _CLIP), 1.0 - _CLIP)
    return bisect_left(_SCORE_EDGES, math.log(clipped / (1.0 - clipped)))


def score_buckets(probabilities: F64) -> I64:
    clipped = np.clip(probabilities, _CLIP, 1.0 - _CLIP)
    return np.searchsorted(SCORE_EDGES, np.log(clipped / (1.0 - clipped))).astype(np.int64)


def _classes(stages: Collection[str]) -> list[int]:
    """Places among the sums."""
    unknown = sorted(set(stages) - set(DEGRADED))
    if unknown:
        raise CountRefused(f"degraded {unknown[0]!r}: give one of {', '.join(DEGRADED)}")
    return [_CLASSES[stage] for stage in set(stages)]


def _count_scores(held: F64, answer: Answer) -> None:
    scores = answer.scores
    count = len(scores)
    # The least and the most of what holds NaN are NaN.
    low, high = (float(scores.min()), float(scores.max())) if count else (0.0, 0.0)
    if answer.has_nan or not (math.isfinite(low) and math.isfinite(high)):
        held[NAN.start] += 1.0
    elif count:
        drawn = xxhash.xxh3_64_intdigest(answer.request_id.encode(), seed=3) % count
        held[SCORES.start + score_bucket(float(scores[drawn]))] += 1.0
        if low == high and count > 1:
            held[CONSTANT.start] += 1.0


def _count_hints(held: F64, answer: Answer) -> None:
    by_tier, group = answer.by_tier, GROUPED.start + group_of(answer.user_id)
    total = sum(by_tier)
    hinted = (total - by_tier[0]) / total if total else 0.0
    for tier, candidates in enumerate(by_tier, TIER_CANDIDATES.start):
        if candidates:
            held[tier] += candidates
    held[group + ANSWERED * GROUPS] += 1.0
    if hinted:
        held[AGE_S.start] += answer.age_s
        held[HINTED_SQUARED.start] += hinted**2
        held[group + HINTED * GROUPS] += hinted
