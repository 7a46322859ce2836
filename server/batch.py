"""Requests that wait for the model, judged together."""

import asyncio
import logging
from collections.abc import Sequence
from time import perf_counter_ns
from typing import Final

from server.admission import Admission, late
from server.assembly import Assembler, Assembly, Prepared
from server.caller import Caller
from server.errors import NotReady, ServingError
from server.inference_thread import InferenceThread, Run
from server.line import Judged, Line, Waiting
from server.ranked import Inputs, Wanted
from server.scoring import Scorer, runs
from server.stages import StageClock

LOOP_MS: Final = 1.0
"""Longest that the event loop may be kept. Longer work goes to a thread, which costs a request
more: two wake-ups, and caches that both fill with their own."""
CLOSE_S: Final = 10.0
LEARNING_RATE: Final = 0.1
log = logging.getLogger(__name__)


class Batcher:
    """Whoever waits when the model is free is in the next batch: nobody waits for a batch to fill.

    Features are assembled for all at once. `max_candidates` bound a batch of more than one request.
    """

    def __init__(
        self, assembler: Assembler, scorer: Scorer, max_candidates: int, admission: Admission
    ) -> None:
        self._assembler = assembler
        self._scorer = scorer
        self._admission = admission
        self._line = Line(admission, max_candidates)
        self._working: asyncio.Task[None] | None = None
        self._thread: InferenceThread[Sequence[Waiting], list[Judged | Exception]]
        self._thread = InferenceThread()
        self.is_hung = False
        """Whether the model does not come back, as LongRuns has it."""
        self._candidate_ms = LOOP_MS
        """What a candidate took lately; at first, as long as nothing is known, too long."""

    async def judge(
        self,
        prepared: Prepared,
        wanted: Wanted,
        clock: StageClock,
        deadline_ms: float,
        caller: Caller,
    ) -> Judged:
        """Raises DeadlineExceeded when the deadline passed before the request's turn, Overloaded
        when its turn came too late for it, HungUp when nobody waits for it any more, NotReady when
        the model does not come back."""
        if self.is_hung:
            raise self._hangs()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Judged] = loop.create_future()
        self._line.join(Waiting(prepared, wanted, clock, deadline_ms, caller, answer))
        if self._working is None:
            self._working = loop.create_task(self._work())
        return await answer

    @property
    def is_idle(self) -> bool:
        """Whether nobody is judged, nor waits to be."""
        return self._working is None

    @property
    def run(self) -> Run[Sequence[Waiting], list[Judged | Exception]] | None:
        """What the model has not come back from."""
        return self._thread.run

    @property
    def run_s(self) -> float:
        """How long it has had that; 0 while it has nothing."""
        return self._thread.run_s

    def expected_s(self, batch: Sequence[Waiting]) -> float:
        return self._admission.expected_ms(len(batch), _candidates(batch)) / 1e3

    def refuse_waiting(self, *, late_only: bool) -> None:
        """Who is in work or in line: all, or whoever's deadline has passed."""
        run = self.run
        for waiting in (*(() if run is None else run.of), *self._line):
            if waiting.answer.done():
                continue
            if waiting.left_ms <= 0:
                waiting.answer.set_exception(late(waiting.deadline_ms, "while the model ran"))
            elif not late_only:
                waiting.answer.set_exception(self._hangs())

    def _hangs(self) -> NotReady:
        return hung(self.run_s, "ask another gateway; this process has to be started again")

    def judge_alone(self, prepared: Prepared, wanted: Wanted, until_ns: int) -> Judged:
        """Blocking, in the caller's thread and past the line: for what nobody waits for. Raises
        what assembling raises."""
        assembly = self._assembler.assemble([prepared])
        [scored] = self._scorer.score(assembly, 0, 1, [wanted], until_ns)
        return Judged(assembly.requests[0], scored, Inputs(assembly, 0))

    def close(self) -> bool:
        """Blocking; who waits is answered first. False where the model did not come back: it is
        left behind with its thread."""
        return self._thread.close(0.0 if self.is_hung else CLOSE_S)

    async def _work(self) -> None:
        """Until nobody waits. While somebody does, all that the loop does counts as work."""
        began_ns = perf_counter_ns()
        try:
            while self._line:
                await self._arrivals()
                if not (batch := self._line.batch()):
                    continue
                await self._answer(batch)
                ended_ns = perf_counter_ns()
                took_ms = (ended_ns - began_ns) / 1e6
                self._admission.worked(len(batch), _candidates(batch), took_ms)
                began_ns = ended_ns
        finally:
            self._working = None

    async def _arrivals(self) -> None:
        """Whoever has arrived comes along: a turn of the loop, while turns bring somebody."""
        seen = 0
        while seen < len(self._line):
            seen = len(self._line)
            await asyncio.sleep(0)

    async def _answer(self, batch: Sequence[Waiting]) -> None:
        judged: Sequence[Judged | Exception]
        try:
            judged = await self._judged(batch)
        except Exception as error:
            # Whatever ends the work, nobody is left waiting for it.
            judged = [error] * len(batch)
        for waiting, result in zip(batch, judged, strict=True):
            if waiting.answer.done():
                _keep_word(waiting, result)
            elif isinstance(result, Judged):
                waiting.answer.set_result(result)
            else:
                waiting.answer.set_exception(result)

    async def _judged(self, batch: Sequence[Waiting]) -> Sequence[Judged | Exception]:
        judged: Sequence[Judged | Exception]
        candidates, began_ns = max(_candidates(batch), 1), perf_counter_ns()
        if candidates * self._candidate_ms <= LOOP_MS and not self._scorer.is_remote:
            judged = self._judge(batch)
        else:
            # Of a model elsewhere there is no work to leave a core to.
            judged = await self._thread.result(self._judge, batch, rests=not self._scorer.is_remote)
        took_ms = (perf_counter_ns() - began_ns) / 1e6
        self._candidate_ms += LEARNING_RATE * (took_ms / candidates - self._candidate_ms)
        return judged

    def _judge(self, batch: Sequence[Waiting]) -> list[Judged | Exception]:
        for waiting in batch:
            waiting.clock.mark("queue")
        try:
            assembly = self._assembler.assemble([waiting.prepared for waiting in batch])
        except Exception as error:
            # One bad request fails alone.
            if len(batch) == 1:
                return [error]
            return [judged for waiting in batch for judged in self._judge([waiting])]
        for waiting in batch:
            waiting.clock.mark("features")
        return self._score(batch, assembly)

    def _score(self, batch: Sequence[Waiting], assembly: Assembly) -> list[Judged | Exception]:
        judged: list[Judged | Exception] = []
        for first, last in runs([waiting.candidates for waiting in batch]):
            run = batch[first:last]
            wanted = [waiting.wanted for waiting in run]
            until_ns = min(waiting.until_ns for waiting in run)
            headers = _onward(run) if self._scorer.is_remote else None
            scored = self._scorer.score(assembly, first, last, wanted, until_ns, headers)
            inputs = (Inputs(assembly, place) for place in range(first, last))
            judged += map(Judged, assembly.requests[first:last], scored, inputs)
            for waiting in run:
                waiting.clock.mark("inference")
        return judged


def hung(seconds: float, remedy: str) -> NotReady:
    return NotReady(
        f"the model has not come back for {seconds:.1f} s", remedy=remedy, retry_after_s=1
    )


def _keep_word(waiting: Waiting, result: Judged | Exception) -> None:
    """Of a fault that its caller, refused by then, will not hear of."""
    if isinstance(result, Exception) and not isinstance(result, ServingError):
        log.error("a run failed after its caller had left", exc_info=result)


def _onward(run: Sequence[Waiting]) -> dict[str, str] | None:
    """A run has one parent, the first of its requests that is traced."""
    traces = (waiting.clock.trace for waiting in run)
    return next((trace.onward for trace in traces if trace is not None), None)


def _candidates(batch: Sequence[Waiting]) -> int:
    return sum(waiting.candidates for waiting in batch)
