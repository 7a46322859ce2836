"""What ranking gave → the answer on the wire."""

from collections.abc import Mapping
from itertools import count
from secrets import token_hex

from msgspec import UNSET

from models.features.records import F64, I64
from server.ranked import Ranked
from server.summary import Summary
from server.wire import Coverage, Degraded, RankAnswer


class AnswerWriter:
    """One lane's answers."""

    def __init__(self, model: str, version: str, lane: str) -> None:
        self._model = model
        self._version = version
        self._lane = lane
        self._ids = (f"{prefix}-{number}" for prefix in [token_hex(6)] for number in count())

    def write(self, ranked: Ranked) -> RankAnswer:
        positions = ranked.order.positions
        item_ids = ranked.columns.item_ids
        summary = ranked.assembled.summary
        scored, values = ranked.scored, ranked.order.values
        return RankAnswer(
            request_id=ranked.request.request_id or next(self._ids),
            model=self._model,
            version=self._version,
            lane=self._lane,
            item_ids=list(map(item_ids.__getitem__, positions.tolist())),
            scores=scored.scores[positions].tolist(),
            values=values[positions].tolist() if ranked.has_values else UNSET,
            coverage=_coverage(summary),
            teacher_age_s=summary.age_s / summary.hinted if summary.hinted else None,
            degraded=_degraded(ranked, summary),
            unavailable=ranked.unavailable or UNSET,
            task_scores=UNSET if scored.by_task is None else _by_task(scored.by_task, positions),
        )


def _by_task(by_task: Mapping[str, F64], positions: I64) -> dict[str, list[float]]:
    return {task: scores[positions].tolist() for task, scores in by_task.items()}


def _coverage(summary: Summary) -> Coverage:
    candidates = max(summary.candidates, 1)  # all of them may be unavailable
    none, item, user, neighbour, pair = (part / candidates for part in summary.by_tier)
    return Coverage(pair, neighbour, user, item, none)


def _degraded(ranked: Ranked, summary: Summary) -> list[Degraded]:
    """In the order of the stages."""
    given = []
    if ranked.cache_reason is not None:
        given.append(Degraded("cache", ranked.cache_reason))
    if summary.hinted and summary.stale == summary.hinted:
        given.append(Degraded("cache", "stale"))
    if summary.unknown:
        given.append(Degraded("features", "unknown_item"))
    if ranked.context.unknown:
        given.append(Degraded("features", "unknown_context"))
    if ranked.columns.unknown_feature:
        given.append(Degraded("features", "unknown_feature"))
    if ranked.scored.reason is not None:
        given.append(Degraded("inference", ranked.scored.reason))
    given += [Degraded("rerank", reason) for reason in ranked.order.reasons]
    if ranked.is_late:
        given.append(Degraded("total", "late"))
    return given
