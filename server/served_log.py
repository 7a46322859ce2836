"""Which answers are kept for training, and what of each: all that it was answered from."""

from typing import Final

import numpy as np

from cache.served import NamedArrays, Served
from cache.served_feed import ServedFeed
from models.features.hashing import key64
from models.features.prior_rates import prior_scores
from models.features.records import F64, I64
from models.runtime import Model
from models.schema import TIERS
from server.assembly import PER_CANDIDATE
from server.ranked import Inputs, Ranked
from server.wire import RankAnswer

ALL: Final = 1 << 64


class ServedLog:
    """One lane's. A request is kept or not by its id: sent again, it is the same choice."""

    def __init__(self, feed: ServedFeed, model: Model, share: float) -> None:
        self.feed = feed
        self._model = model
        self._below = round(share * ALL)
        self._tasks = list(model.manifest.tasks)
        # Those without a source lay out a batch and say nothing of a request.
        told = [spec for spec in model.manifest.features.inputs() if spec.source is not None]
        self._by_candidate = [spec.name for spec in told if spec.shape[0] == PER_CANDIDATE]
        self._by_request = [spec.name for spec in told if spec.shape[0] != PER_CANDIDATE]

    def tell(self, ranked: Ranked, answer: RankAnswer) -> None:
        # An answer whose candidates were all withdrawn was made from nothing.
        if key64(answer.request_id) < self._below and ranked.columns.item_ids:
            self.feed.offer(lambda: self._served(ranked, answer))

    def _served(self, ranked: Ranked, answer: RankAnswer) -> Served:
        """Of copies: a view would keep all that was assembled with it."""
        request, resolved = ranked.request, ranked.assembled.resolved
        count, logit = len(ranked.columns.item_ids), ranked.scored.logit
        by_request, by_candidate = self._inputs(ranked.inputs)
        return Served(
            request_id=answer.request_id,
            user_id=request.user_id,
            timestamp_ms=ranked.now_ms,
            model=answer.model,
            version=answer.version,
            lane=answer.lane,
            task=request.task or self._tasks[0],
            context={k: str(v) for k, v in request.context.items() if v is not None},
            item_ids=ranked.columns.item_ids,
            position=_positions(ranked, count),
            bids=ranked.columns.bids,
            values=ranked.order.values.copy() if ranked.has_values else None,
            tier=np.zeros(count, np.uint8) if resolved is None else resolved.tier.astype(np.uint8),
            age_s=np.zeros(count, np.float32) if resolved is None else resolved.age_s.copy(),
            tasks=self._tasks,
            scores=self._scores(ranked),
            logit=None if logit is None else logit.copy(),
            coverage={tier: getattr(answer.coverage, tier) for tier in TIERS},
            degraded=[(each.stage, each.reason) for each in answer.degraded],
            user_side=by_request,
            candidate_side=by_candidate,
        )

    def _inputs(self, inputs: Inputs) -> tuple[NamedArrays, NamedArrays]:
        arrays, part, place = inputs.assembly.arrays, inputs.part, inputs.place
        return (
            {name: arrays[name][place : place + 1].copy() for name in self._by_request},
            {name: arrays[name][part].copy() for name in self._by_candidate},
        )

    def _scores(self, ranked: Ranked) -> F64:
        """`[N, T]`: of every task, though the answer may have needed one."""
        logit, manifest = ranked.scored.logit, self._model.manifest
        if logit is None:
            return prior_scores(ranked.assembled.counters, manifest.features.prior_rates)
        tasks = range(len(self._tasks))
        return np.stack([self._model.probabilities(logit, task) for task in tasks], axis=1)


def _positions(ranked: Ranked, count: int) -> I64:
    positions: I64 = np.full(count, -1, np.int64)
    positions[ranked.order.positions] = np.arange(len(ranked.order.positions))
    return positions
