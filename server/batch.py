"""Requests that wait for the model, judged together."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import perf_counter_ns
from typing import Final

from server.admission import Admission, late
from server.assembly import Assembler, Assembly, Prepared
from server.caller import Caller
from server.line import Judged, Line, Waiting
from server.ranked import Inputs, Wanted
from server.scoring import Scorer, runs
from server.stages import StageClock

LOOP_MS: Final = 1.0
"""Longest that the event loop may be kept. Longer work goes to a thread, which costs a request
more: two wake-ups, and caches that both fill with their own."""
REST_S: Final = 0.8 * LOOP_MS / 1000.0
"""How long the loop leaves the core to the thread before it looks again who has arrived."""
TURNS: Final = 3
"""Turns of the loop from bytes in a socket to a question on its way to the cache."""
LEARNING_RATE: Final = 0.1


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
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")
        self._handed: Sequence[Waiting] = ()
        """What the thread has now."""
        self._handed_ns = 0
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
        when its turn came too late for it, HungUp when nobody waits for it any more."""
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
    def run_s(self) -> float:
        """How long the thread has had what it has; 0 while it has nothing."""
        return (perf_counter_ns() - self._handed_ns) / 1e9 if self._handed else 0.0

    def refuse_late(self) -> None:
        """Everybody, in work or in line, whose deadline has passed."""
        for waiting in (*self._handed, *self._line):
            if waiting.left_ms <= 0 and not waiting.answer.done():
                waiting.answer.set_exception(late(waiting.deadline_ms, "while the model ran"))

    def judge_alone(self, prepared: Prepared, wanted: Wanted, until_ns: int) -> Judged:
        """Blocking, in the caller's thread and past the line: for what nobody waits for. Raises
        what assembling raises."""
        assembly = self._assembler.assemble([prepared])
        [scored] = self._scorer.score(assembly, 0, 1, [wanted], until_ns)
        return Judged(assembly.requests[0], scored, Inputs(assembly, 0))

    def close(self) -> None:
        """Blocking; whoever waits is answered first."""
        self._thread.shutdown(wait=True)

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
                continue
            if isinstance(result, Judged):
                waiting.answer.set_result(result)
            else:
                waiting.answer.set_exception(result)

    async def _judged(self, batch: Sequence[Waiting]) -> Sequence[Judged | Exception]:
        judged: Sequence[Judged | Exception]
        candidates, began_ns = max(_candidates(batch), 1), perf_counter_ns()
        if candidates * self._candidate_ms <= LOOP_MS and not self._scorer.is_remote:
            judged = self._judge(batch)
        else:
            judged = await self._judged_elsewhere(batch)
        took_ms = (perf_counter_ns() - began_ns) / 1e6
        self._candidate_ms += LEARNING_RATE * (took_ms / candidates - self._candidate_ms)
        return judged

    async def _judged_elsewhere(self, batch: Sequence[Waiting]) -> Sequence[Judged | Exception]:
        """In the thread. Meanwhile the loop takes arrivals by the bunch: woken for each of them, it
        would drive the model out of the core's caches again and again."""
        judging = self._thread.submit(self._judge, batch)
        self._handed, self._handed_ns = batch, perf_counter_ns()
        try:
            if self._scorer.is_remote:
                # Nor is there work to leave a core to.
                return await asyncio.wrap_future(judging)
            while not judging.done():
                for _ in range(TURNS):
                    await asyncio.sleep(0)
                with suppress(TimeoutError):
                    judging.exception(REST_S)
            return judging.result()
        finally:
            self._handed = ()

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


def _onward(run: Sequence[Waiting]) -> dict[str, str] | None:
    """A run has one parent, the first of its requests that is traced."""
    traces = (waiting.clock.trace for waiting in run)
    return next((trace.onward for trace in traces if trace is not None), None)


def _candidates(batch: Sequence[Waiting]) -> int:
    return sum(waiting.candidates for waiting in batch)
