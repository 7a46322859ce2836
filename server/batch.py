"""Requests that wait for the model, taken together."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from server.admission import late
from server.assembly import Assembled, Assembler, Prepared
from server.ranked import Scored
from server.scoring import Scorer
from server.stages import StageClock


class Judged(NamedTuple):
    assembled: Assembled
    scored: Scored


class _Waiting(NamedTuple):
    prepared: Prepared
    task: int
    clock: StageClock
    deadline_ms: float
    answer: asyncio.Future[Judged]

    @property
    def candidates(self) -> int:
        return len(self.prepared.columns.item_ids)


class Batcher:
    """Whoever waits when the model is free is in the next batch: nobody waits for a batch to fill.

    Features are assembled for the batch at once, and the model runs request by request: the first
    answer need not wait for the last, and a run stays short enough for the event loop.
    """

    def __init__(self, assembler: Assembler, scorer: Scorer, max_candidates: int) -> None:
        self._assembler = assembler
        self._scorer = scorer
        self._max = max_candidates
        self._waiting: deque[_Waiting] = deque()
        self._working: asyncio.Task[None] | None = None

    async def judge(
        self, prepared: Prepared, task: int, clock: StageClock, deadline_ms: float
    ) -> Judged:
        """Raises DeadlineExceeded when the deadline passed before the request's turn."""
        answer: asyncio.Future[Judged] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(prepared, task, clock, deadline_ms, answer))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        """Until nobody waits."""
        try:
            while self._waiting:
                await self._run(self._batch())
        finally:
            self._working = None

    def _batch(self) -> list[_Waiting]:
        """The longest waiting, at least one; those who hung up or are late have left the queue."""
        batch: list[_Waiting] = []
        candidates = 0
        while self._waiting:
            waiting = self._waiting[0]
            if batch and candidates + waiting.candidates > self._max:
                break
            self._waiting.popleft()
            if self._is_wanted(waiting):
                batch.append(waiting)
                candidates += waiting.candidates
        return batch

    def _is_wanted(self, waiting: _Waiting) -> bool:
        if waiting.answer.done():
            return False
        waiting.clock.mark("queue")
        if waiting.clock.elapsed_ms <= waiting.deadline_ms:
            return True
        waiting.answer.set_exception(late(waiting.deadline_ms, "while it waited for the model"))
        return False

    async def _run(self, batch: Sequence[_Waiting]) -> None:
        for waiting, assembled in self._assembled(batch):
            if waiting.answer.done():
                continue
            waiting.clock.mark("queue")
            scored = await self._scorer.score(assembled, waiting.task, waiting.clock)
            waiting.clock.mark("inference")
            if not waiting.answer.done():
                waiting.answer.set_result(Judged(assembled, scored))
            # The answer goes out, and others come in, before the next run.
            await asyncio.sleep(0)

    def _assembled(self, batch: Sequence[_Waiting]) -> list[tuple[_Waiting, Assembled]]:
        """Without those that cannot be assembled: they have been told."""
        try:
            made = self._assembler.assemble([waiting.prepared for waiting in batch])
        except Exception as error:
            return self._one_by_one(batch, error)
        for waiting in batch:
            waiting.clock.mark("features")
        return list(zip(batch, made, strict=True))

    def _one_by_one(
        self, batch: Sequence[_Waiting], error: Exception
    ) -> list[tuple[_Waiting, Assembled]]:
        """One bad request fails alone."""
        if len(batch) == 1:
            batch[0].answer.set_exception(error)
            return []
        return [pair for waiting in batch for pair in self._assembled([waiting])]
