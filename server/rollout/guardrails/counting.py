"""What a gateway process adds to the sums of a lane, request by request."""

from collections.abc import Collection
from typing import Final, NamedTuple

import numpy as np
import xxhash

from models.features.records import F32, F64, I64, U8
from models.schema import TIERS
from server.rollout.guardrails.agreement import Agreement
from server.rollout.guardrails.attribution import Shown
from server.rollout.guardrails.errors import CountRefused
from server.rollout.guardrails.layout import (
    AGE_S,
    ANSWERED,
    CLICKS,
    CLICKS_SQUARED,
    CONSTANT,
    DEGRADATIONS,
    DEGRADED,
    ERRORS,
    EXPECTED,
    GROUPS,
    HINTED,
    HINTED_SQUARED,
    IMPRESSIONS,
    INFERENCE,
    LATENCY_EDGES_S,
    NAN,
    OVERLAP,
    REQUESTS,
    SCORE_EDGES,
    SCORES,
    SETTLED,
    SHADOWED,
    SPREAD,
    TIER_CANDIDATES,
    TOP_K,
    TOTAL,
    VALUE,
    VALUE_SQUARED,
)
from server.rollout.guardrails.sums import Sums

_CLIP: Final = 1e-7


class Answer(NamedTuple):
    request_id: str
    user_id: str
    total_s: float
    inference_s: float
    degraded: Collection[str]  # stages
    scores: F32  # [n] calibrated probabilities
    tiers: U8  # [n] places in TIERS
    hint_ages_s: F32  # of the candidates with a hint


def count_error(sums: Sums) -> None:
    sums.one(REQUESTS)[...] += 1.0
    sums.one(ERRORS)[...] += 1.0


def count_answer(sums: Sums, answer: Answer) -> None:
    """Raises CountRefused, having counted nothing, for a stage that is no class of reasons."""
    classes = _classes(answer.degraded)
    sums.one(REQUESTS)[...] += 1.0
    sums.many(DEGRADATIONS)[classes] += 1.0
    sums.many(TOTAL)[latency_bucket(answer.total_s)] += 1.0
    sums.many(INFERENCE)[latency_bucket(answer.inference_s)] += 1.0
    _count_scores(sums, answer)
    _count_hints(sums, answer)


def count_shadow(sums: Sums, agreed: Agreement) -> None:
    sums.one(SHADOWED)[...] += 1.0
    sums.one(TOP_K)[...] += agreed.top_k
    sums.one(OVERLAP)[...] += agreed.overlap


def count_settled(sums: Sums, shown: Shown) -> None:
    group, clicks = group_of(shown.user_id), float(len(shown.clicked))
    sums.one(IMPRESSIONS)[...] += shown.impressions
    sums.one(SPREAD)[...] += shown.spread
    sums.one(CLICKS_SQUARED)[...] += clicks**2
    sums.one(VALUE_SQUARED)[...] += shown.value**2
    sums.grouped(SETTLED)[group] += 1.0
    sums.grouped(CLICKS)[group] += clicks
    sums.grouped(VALUE)[group] += shown.value
    sums.grouped(EXPECTED)[group] += shown.expected


def group_of(user_id: str) -> int:
    """Seeded apart from the hash that chooses the lane, or a lane would have few of the groups."""
    return xxhash.xxh3_64_intdigest(user_id.encode(), seed=2) % GROUPS


def latency_bucket(seconds: float) -> int:
    return int(np.searchsorted(LATENCY_EDGES_S, seconds))


def score_buckets(probabilities: F64) -> I64:
    clipped = np.clip(probabilities, _CLIP, 1.0 - _CLIP)
    return np.searchsorted(SCORE_EDGES, np.log(clipped / (1.0 - clipped))).astype(np.int64)


def _classes(stages: Collection[str]) -> list[int]:
    unknown = sorted(set(stages) - set(DEGRADED))
    if unknown:
        raise CountRefused(f"degraded {unknown[0]!r}: give one of {', '.join(DEGRADED)}")
    return [DEGRADED.index(stage) for stage in set(stages)]


def _count_scores(sums: Sums, answer: Answer) -> None:
    scores = answer.scores.astype(np.float64)
    if not np.isfinite(scores).all():
        sums.one(NAN)[...] += 1.0
    elif len(scores):
        drawn = xxhash.xxh3_64_intdigest(answer.request_id.encode(), seed=3) % len(scores)
        sums.many(SCORES)[score_buckets(scores[[drawn]])] += 1.0
        if len(scores) > 1 and scores.min() == scores.max():
            sums.one(CONSTANT)[...] += 1.0


def _count_hints(sums: Sums, answer: Answer) -> None:
    group, by_tier = group_of(answer.user_id), np.bincount(answer.tiers, minlength=len(TIERS))
    hinted = float(by_tier[1:].sum()) / max(len(answer.tiers), 1)
    sums.many(TIER_CANDIDATES)[...] += by_tier
    sums.one(AGE_S)[...] += float(answer.hint_ages_s.sum(dtype=np.float64))
    sums.one(HINTED_SQUARED)[...] += hinted**2
    sums.grouped(ANSWERED)[group] += 1.0
    sums.grouped(HINTED)[group] += hinted
