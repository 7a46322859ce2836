"""Requests that wait for the model, taken together."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns
from typing import NamedTuple

from server.admission import late
from server.assembly import Assembled, Assembler, Prepared
from server.ranked import Scored
from server.scoring import Scorer
from server.stages import StageClock

Worked = Callable[[int, int, float], None]
"""Told after each batch: requests, candidates, milliseconds."""


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

    @property
    def is_late(self) -> bool:
        return self.clock.elapsed_ms > self.deadline_ms


class Batcher:
    """Whoever waits when the model is free is in the next batch: nobody waits for a batch to fill.

    Features are assembled for all at once, and the model runs request by request, as it would for
    each alone. A thread does it, so that the event loop goes on; `max_candidates` bound a batch of
    more than one request.
    """

    def __init__(
        self, assembler: Assembler, scorer: Scorer, max_candidates: int, worked: Worked
    ) -> None:
        self._assembler = assembler
        self._scorer = scorer
        self._max = max_candidates
        self._worked = worked
        self._waiting: deque[_Waiting] = deque()
        self._working: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")

    async def judge(
        self, prepared: Prepared, task: int, clock: StageClock, deadline_ms: float
    ) -> Judged:
        """Raises DeadlineExceeded when the deadline passed before the request's turn."""
        answer: asyncio.Future[Judged] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(prepared, task, clock, deadline_ms, answer))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await answer

    def close(self) -> None:
        """Blocking; whoever waits is answered first."""
        self._thread.shutdown(wait=True)

    async def _work(self) -> None:
        """Until nobody waits."""
        try:
            while batch := self._batch():
                await self._answer(batch)
        finally:
            self._working = None

    def _batch(self) -> list[_Waiting]:
        """Those who waited longest; those who are late or hung up leave the queue."""
        batch: list[_Waiting] = []
        candidates = 0
        while self._waiting:
            if not self._is_wanted(self._waiting[0]):
                self._waiting.popleft()
                continue
            candidates += self._waiting[0].candidates
            if batch and candidates > self._max:
                break
            batch.append(self._waiting.popleft())
        return batch

    def _is_wanted(self, waiting: _Waiting) -> bool:
        if waiting.answer.done():
            return False
        if waiting.is_late:
            waiting.clock.mark("queue")
            waiting.answer.set_exception(late(waiting.deadline_ms, "while it waited for the model"))
            return False
        return True

    async def _answer(self, batch: Sequence[_Waiting]) -> None:
        loop, began_ns = asyncio.get_running_loop(), perf_counter_ns()
        judged: Sequence[Judged | Exception]
        try:
            judged = await loop.run_in_executor(self._thread, self._judge, batch)
        except Exception as error:
            # Whatever ends the work, nobody is left waiting for it.
            judged = [error] * len(batch)
        took_ms = (perf_counter_ns() - began_ns) / 1e6
        self._worked(len(batch), sum(each.candidates for each in batch), took_ms)
        for waiting, result in zip(batch, judged, strict=True):
            if waiting.answer.done():
                continue
            if isinstance(result, Judged):
                waiting.answer.set_result(result)
            else:
                waiting.answer.set_exception(result)

    def _judge(self, batch: Sequence[_Waiting]) -> list[Judged | Exception]:
        return [
            each if isinstance(each, Exception) else self._score(waiting, each)
            for waiting, each in zip(batch, self._assemble(batch), strict=True)
        ]

    def _assemble(self, batch: Sequence[_Waiting]) -> Sequence[Assembled | Exception]:
        for waiting in batch:
            waiting.clock.mark("queue")
        try:
            assembled = self._assembler.assemble([waiting.prepared for waiting in batch])
        except Exception as error:
            # One bad request fails alone.
            if len(batch) == 1:
                return [error]
            return [each for waiting in batch for each in self._assemble([waiting])]
        for waiting in batch:
            waiting.clock.mark("features")
        return assembled

    def _score(self, waiting: _Waiting, assembled: Assembled) -> Judged | Exception:
        try:
            scored = self._scorer.score(assembled, waiting.task)
        except Exception as error:
            return error
        waiting.clock.mark("inference")
        return Judged(assembled, scored)
