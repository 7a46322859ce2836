"""A student that answers nobody yet, asked behind the back of the one that does."""

import asyncio
from collections import deque
from time import perf_counter, perf_counter_ns
from typing import Final, NamedTuple

from cache.reader import CacheReader, Found
from models.features.hashing import key64
from models.features.records import F32
from server.assembly import Prepared
from server.inference_thread import InferenceThread
from server.lane import Lane
from server.line import Judged
from server.ranked import Ranked
from server.rollout.evidence.answered import has_failed, judged, shown_scores
from server.rollout.evidence.control import ALL
from server.rollout.evidence.merging import CANARY, STABLE
from server.rollout.evidence.pair import agreed, prepared_of, scores_of_shown, time_ratio
from server.rollout.evidence.witness import Witness
from server.rollout.guardrails.agreement import Agreement
from server.rollout.guardrails.attribution import Held

WAITING: Final = 32
"""Requests; the oldest leave. Each keeps the arrays of its batch."""
LOOK_S: Final = 0.005
REST: Final = 4.0
"""Times as long as a run took, none begins: a shadow is at work a fifth of the time at most."""
MOST_REST_S: Final = 30.0
WAIT_NS: Final = 1_000_000_000
"""For a model that is run elsewhere."""
WATCH_S: Final = 1.0
HUNG: Final = 10
"""Times that it is looked at a run that does not come back, until it is said to hang."""


class _Offered(NamedTuple):
    request_id: str
    ranked: Ranked
    held: Held | None
    found: asyncio.Task[Found] | None
    """What the candidate's space held when the other lane answered. Later it would hold what the
    mirror asked for then."""


class _Asked(NamedTuple):
    ranked: Ranked
    prepared: Prepared


class _Beside(NamedTuple):
    """What the candidate makes of it."""

    judged: Judged
    agreed: Agreement
    scores: F32 | None  # [n] of what was answered
    time_ratio: float | None


class Shadow:
    """One request at a time, in a thread of its own, begun while nobody waits for the answering
    lane's model. Whatever the candidate does with it is counted, and harms nobody: a run that never
    ends is told of, and left behind."""

    def __init__(
        self, witness: Witness, candidate: Lane, answering: Lane, reader: CacheReader
    ) -> None:
        """`reader` is of the candidate's space; its failures must open no breaker of requests."""
        plan = witness.state.plan
        self._witness = witness
        self._candidate = candidate
        self._answering = answering
        self._reader = reader
        self._top_k = plan.top_k
        self._salt, self._below = witness.state.rollout, round(plan.shadow_share * ALL)
        self._waiting: deque[_Offered] = deque(maxlen=WAITING)
        self._offered = asyncio.Event()
        self._reads_alike = _reads(candidate) == _reads(answering)
        self._thread: InferenceThread[_Asked, _Beside]
        """While it runs. One for all requests: a backend holds a connection for each thread."""
        self.is_hung = False
        """Whether a run does not come back."""

    def offer(self, ranked: Ranked, request_id: str) -> None:
        """An answer of the answering lane. Where the cache was not read, the student that would
        read better is not to be blamed on the other."""
        if ranked.cache_reason is not None or not ranked.columns.item_ids:
            return
        drawn = f"{self._salt}{ranked.now_ms}{ranked.request.user_id}"
        if key64(drawn) >= self._below:
            return
        try:
            held = self._witness.follow(ranked, request_id)
            if held is not None:
                held.scores[STABLE] = shown_scores(ranked)
            self._waiting.append(_Offered(drawn, ranked, held, self._reading(ranked)))
            self._offered.set()
        except Exception as error:
            self._witness.note("not_shadowed", error)

    async def run(self) -> None:
        """Until cancelled."""
        self._thread = InferenceThread("shadow")
        try:
            while True:
                while self._waiting:
                    await self._until_idle()
                    began_s = perf_counter()
                    await self._shadow(self._waiting.popleft())
                    await asyncio.sleep(min(REST * (perf_counter() - began_s), MOST_REST_S))
                await self._offered.wait()
                self._offered.clear()
        finally:
            self._thread.close(0.0)

    async def _until_idle(self) -> None:
        while True:
            if self._answering.batcher.is_idle:
                return
            await asyncio.sleep(LOOK_S)

    async def _shadow(self, offered: _Offered) -> None:
        try:
            prepared = await self._prepared(offered)
            if prepared is None:
                self._witness.passed_over()
            else:
                self._tell(offered, await self._judged(offered.ranked, prepared))
        except Exception as error:
            self._witness.note("not_compared", error)

    async def _judged(self, ranked: Ranked, prepared: Prepared) -> _Beside | None:
        """None where the candidate fails."""
        try:
            beside = await self._watched(_Asked(ranked, prepared))
        except Exception as error:
            self._witness.note("candidate_failed", error)
            return None
        return None if has_failed(beside.judged.scored) else beside

    async def _watched(self, asked: _Asked) -> _Beside:
        """Looks are counted rather than seconds: a process that stood still has hung by itself."""
        run = asyncio.ensure_future(self._thread.result(self._judge, asked, rests=False))
        looks = 0
        try:
            while not (await asyncio.wait([run], timeout=WATCH_S))[0]:
                looks += 1
                self.is_hung = looks >= HUNG
            return run.result()
        finally:
            run.cancel()
            self.is_hung = False

    def _reading(self, ranked: Ranked) -> asyncio.Task[Found] | None:
        if self._reads_alike:
            return None
        return asyncio.create_task(self._reader.read(ranked.request.user_id))

    async def _prepared(self, offered: _Offered) -> Prepared | None:
        """The same as the stable lane's, where both read the same of the cache: neither lane then
        has the newer page. None where the cache could not be read."""
        prepared = prepared_of(offered.ranked)
        if offered.found is None:
            return prepared
        found = await offered.found
        if found.reason is not None:
            return None
        return prepared._replace(page=found.page, lent=found.lent)

    def _judge(self, asked: _Asked) -> _Beside:
        """In the thread."""
        ranked, prepared = asked
        until_ns = perf_counter_ns() + WAIT_NS
        other = self._candidate.ranker.judge_alone(ranked.request, prepared, until_ns)
        how, scores = agreed(ranked, other, self._top_k), scores_of_shown(ranked, other)
        ours, theirs = self._candidate.model, self._answering.model
        ratio = time_ratio((ours, other.inputs), (theirs, ranked.inputs))
        return _Beside(other, how, scores, ratio)

    def _tell(self, offered: _Offered, beside: _Beside | None) -> None:
        request_id, ranked, held, _ = offered
        user_id, stable, canary = ranked.request.user_id, None, None
        if not has_failed(ranked.scored):
            stable = judged(request_id, user_id, ranked.scored, ranked.assembled.summary)
        if beside is not None:
            told = beside.judged
            canary = judged(request_id, user_id, told.scored, told.assembled.summary)
        self._witness.shadowed(stable, canary, None if beside is None else beside.agreed)
        if beside is not None and beside.time_ratio is not None:
            self._witness.timed(beside.time_ratio)
        if held is not None and beside is not None and beside.scores is not None:
            held.scores[CANARY] = beside.scores


def _reads(lane: Lane) -> object:
    manifest = lane.model.manifest
    return manifest.reads_space, manifest.features.teacher_tiers
