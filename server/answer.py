"""What ranking gave → the answer on the wire."""

from itertools import count
from secrets import token_hex
from typing import NamedTuple

import numpy as np
from msgspec import UNSET

from models.schema import TIERS
from server.ranked import Ranked
from server.wire import Coverage, Degraded, RankAnswer


class Answered(NamedTuple):
    answer: RankAnswer
    by_tier: list[int]  # candidates, by code of models.schema.TIERS


class AnswerWriter:
    """One lane's answers."""

    def __init__(self, model: str, version: str, lane: str) -> None:
        self._model = model
        self._version = version
        self._lane = lane
        self._ids = (f"{prefix}-{number}" for prefix in [token_hex(6)] for number in count())

    def write(self, ranked: Ranked) -> Answered:
        positions = ranked.order.positions
        item_ids = ranked.columns.item_ids
        by_tier = _count_tiers(ranked)
        bids = ranked.columns.bids
        answer = RankAnswer(
            request_id=ranked.request.request_id or next(self._ids),
            model=self._model,
            version=self._version,
            lane=self._lane,
            item_ids=list(map(item_ids.__getitem__, positions.tolist())),
            scores=ranked.scored.scores[positions].tolist(),
            values=UNSET if bids is None else ranked.order.values[positions].tolist(),
            coverage=_coverage(by_tier),
            teacher_age_s=_mean_age_s(ranked, by_tier),
            degraded=_degraded(ranked, by_tier),
        )
        return Answered(answer, by_tier)


def _count_tiers(ranked: Ranked) -> list[int]:
    resolved = ranked.assembled.resolved
    if resolved is None:
        return [len(ranked.columns.item_ids), 0, 0, 0]
    counts: list[int] = np.bincount(resolved.tier, minlength=len(TIERS)).tolist()
    return counts


def _coverage(by_tier: list[int]) -> Coverage:
    total = sum(by_tier)
    none, user, neighbour, pair = (candidates / total for candidates in by_tier)
    return Coverage(pair=pair, neighbour=neighbour, user=user, none=none)


def _mean_age_s(ranked: Ranked, by_tier: list[int]) -> float | None:
    hinted = sum(by_tier[1:])
    if ranked.assembled.resolved is None or not hinted:
        return None
    # Ages are zero where there is no hint.
    return float(ranked.assembled.resolved.age_s.sum()) / hinted


def _degraded(ranked: Ranked, by_tier: list[int]) -> list[Degraded]:
    """In the order of the stages."""
    given = []
    if ranked.cache_reason is not None:
        given.append(Degraded("cache", ranked.cache_reason))
    resolved, hinted = ranked.assembled.resolved, sum(by_tier[1:])
    if resolved is not None and hinted and int(resolved.stale.sum()) == hinted:
        given.append(Degraded("cache", "stale"))
    if not ranked.assembled.known.all():
        given.append(Degraded("features", "unknown_item"))
    if ranked.context.unknown:
        given.append(Degraded("features", "unknown_context"))
    if ranked.columns.unknown_feature:
        given.append(Degraded("features", "unknown_feature"))
    if ranked.scored.reason is not None:
        given.append(Degraded("inference", ranked.scored.reason))
    if ranked.order.reason is not None:
        given.append(Degraded("rerank", ranked.order.reason))
    return given
