"""The hot path: a request's life after it is decoded and before it is encoded."""

from collections.abc import Callable
from typing import NamedTuple

from cache.reader import CacheReader
from models.runtime import Model
from server.admission import Admission
from server.assembly import Assembled, Prepared
from server.batch import Batcher
from server.caller import PATIENT, Caller
from server.candidates import CandidateColumns, CandidateReader
from server.columns import Table
from server.errors import InvalidRequest, UnknownModel
from server.line import Judged
from server.ranked import Ranked, Scored, Wanted
from server.rerank import Wish
from server.slate import Order, Ordering
from server.stages import StageClock
from server.wire import Diversity, RankRequest


class Limits(NamedTuple):
    deadline_ms: float
    replay: bool


class Ranker:
    """One lane's bundle with all that it needs; built once, safe for concurrent requests."""

    def __init__(
        self,
        *,
        model: Model,
        batcher: Batcher,
        cache: CacheReader,
        admission: Admission,
        candidates: CandidateReader,
        ordering: Ordering,
        limits: Limits,
        clock_ms: Callable[[], int],
    ) -> None:
        self.model = model
        self._batcher = batcher
        self.cache = cache
        self._admission = admission
        self._candidates = candidates
        self._ordering = ordering
        self._limits = limits
        self._clock_ms = clock_ms
        manifest = self.model.manifest
        self._context = Table(manifest.features.log.context)
        self._tasks = {task: position for position, task in enumerate(manifest.tasks)}

    async def rank(
        self, request: RankRequest, clock: StageClock, caller: Caller = PATIENT
    ) -> Ranked:
        """Raises ServingError, and HungUp when the caller left before its turn."""
        self._check_model(request)
        now_ms, wanted = self._now_ms(request), self._wanted(request)
        columns = self._candidates.read(request)
        context = self._context.row(request.context, "context")
        deadline_ms = request.deadline_ms or self._limits.deadline_ms
        clock.mark("decode")
        count = len(columns.item_ids)
        with self._admission.admit(count, clock, deadline_ms, is_low=caller.is_low):
            clock.mark("queue")
            left_ms = self._admission.spare_ms(count, clock, deadline_ms)
            found = await self.cache.read(request.user_id, left_ms)
            clock.mark("cache")
            prepared = Prepared(now_ms, found.page, found.record, context, columns, found.lent)
            judged = await self._batcher.judge(prepared, wanted, clock, deadline_ms, caller)
            clock.mark("queue")
        assembled, scored, inputs = judged
        unavailable: list[str] = []
        if assembled.kept is not None:
            unavailable, columns = columns.but(assembled.kept), columns.only(assembled.kept)
        order = self._order(request, columns, assembled, scored)
        clock.mark("rerank")
        return Ranked(
            now_ms, request, columns, context, found.reason, assembled, scored, order, inputs,
            unavailable, clock.elapsed_ms > deadline_ms,
        )  # fmt: skip

    def judge_alone(self, request: RankRequest, prepared: Prepared, until_ns: int) -> Judged:
        """Blocking: what this lane makes of a request that another one answered. `until_ns`, of
        perf_counter_ns, bounds the wait for a model elsewhere. Raises InvalidRequest."""
        return self._batcher.judge_alone(prepared, self._wanted(request), until_ns)

    def _check_model(self, request: RankRequest) -> None:
        if request.model is not None and request.model != self.model.manifest.name:
            raise UnknownModel(
                f"the model served here is {self.model.manifest.name}",
                field="model",
                value=request.model,
                remedy="leave model out, or name the one that is served",
            )

    def _now_ms(self, request: RankRequest) -> int:
        if request.timestamp_ms is None:
            return self._clock_ms()
        if not self._limits.replay:
            raise InvalidRequest(
                "a request's time is the gateway's clock",
                field="timestamp_ms",
                value=request.timestamp_ms,
                remedy="leave it out, or set UNDERSTUDY_REPLAY=true to replay a log",
            )
        return request.timestamp_ms

    def _wanted(self, request: RankRequest) -> Wanted:
        task, has_formula = self._task(request), self.model.manifest.value is not None
        return Wanted(task, has_formula and request.task is None, request.all_tasks)

    def _task(self, request: RankRequest) -> int:
        if request.task is None:
            return 0
        if request.task not in self._tasks:
            raise InvalidRequest(
                f"the model's tasks are {', '.join(self._tasks)}",
                field="task",
                value=request.task,
                remedy="name one of them, or leave task out",
            )
        return self._tasks[request.task]

    def _order(
        self, request: RankRequest, columns: CandidateColumns, assembled: Assembled, scored: Scored
    ) -> Order:
        hints = assembled.resolved and (assembled.resolved.z, assembled.resolved.tier)
        scores = scored.scores if scored.worth is None else scored.worth
        bound = columns.bounds and columns.bounds.with_catalogue(assembled.value_keys)
        return self._ordering.order(
            scores, columns.bids, hints, request.top_k, _wish(request), bound
        )


def _wish(request: RankRequest) -> Wish:
    diversity = request.diversity
    if isinstance(diversity, Diversity):
        return Wish(diversity.strength, diversity.window)
    return Wish(diversity)
