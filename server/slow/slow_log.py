"""The slowest requests of this process, with what may explain them."""

import asyncio
from collections.abc import Callable
from time import perf_counter_ns
from typing import Self

from cache.clock import wall_clock_ms
from server.access.key_ring import Holder
from server.ranked import Ranked
from server.settings import Settings
from server.slow.asked import Asked, trace_id_of
from server.slow.inputs import inputs_of, item_ids
from server.slow.ring import SlowRing
from server.slow.wire import SlowInputs, SlowRequest
from server.stages import StageClock
from server.wire import RankAnswer, RankRequest


class SlowLog:
    """Whoever has answered a request compares its time with `ring.above_ns`, and tells of it only
    where it took longer: an entry is made of few."""

    def __init__(self, settings: Settings, clock_ms: Callable[[], int] = wall_clock_ms) -> None:
        self._settings = settings
        self._clock_ms = clock_ms
        self.ring: SlowRing[SlowRequest] = SlowRing(settings.slow_kept)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """None where nothing is kept, or nobody could ask for it."""
        is_on = settings.slow_kept and settings.admin_token is not None
        return cls(settings) if is_on else None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._settings.slow_window_s)
            self.ring.turn()

    def answered(
        self, clock: StageClock, ranked: Ranked, answer: RankAnswer, holder: Holder | None
    ) -> None:
        """Behind the answer."""
        assembly = ranked.inputs.assembly
        entry = self._entry(clock, clock.total_ns, 200, ranked.request, holder)
        entry.request_id = answer.request_id
        entry.model, entry.version, entry.lane = answer.model, answer.version, answer.lane
        entry.coverage, entry.teacher_age_s = answer.coverage, answer.teacher_age_s
        entry.degraded = answer.degraded
        entry.batch_requests = len(assembly.parts)
        entry.batch_candidates = assembly.parts[-1].stop
        self.ring.add(clock.total_ns, entry)

    def refused(self, clock: StageClock, status: int, asked: Asked | None) -> None:
        """Whatever the status is. Nothing is kept of one that did not take long."""
        took_ns = perf_counter_ns() - clock.started_ns
        if took_ns <= self.ring.above_ns:
            return
        request, lane, holder = (None, None, None) if asked is None else asked
        entry = self._entry(clock, took_ns, status, request, holder)
        if lane is not None:
            entry.model, entry.version = lane.model.manifest.name, lane.model.version
            entry.lane = lane.name
        self.ring.add(took_ns, entry)

    def slowest(self) -> list[SlowRequest]:
        return list(self.ring.slowest())

    def _entry(
        self,
        clock: StageClock,
        took_ns: int,
        status: int,
        request: RankRequest | None,
        holder: Holder | None,
    ) -> SlowRequest:
        return SlowRequest(
            at_ms=self._clock_ms(),
            total_ms=_ms(took_ns),
            stages={stage: _ms(spent_ns) for stage, spent_ns in clock.spent_ns.items()},
            status=status,
            request_id=None if request is None else request.request_id,
            trace_id=trace_id_of(clock),
            candidates=None if request is None else len(item_ids(request)),
            deadline_ms=None if request is None else self._deadline_ms(request),
            model=None,
            version=None,
            lane=None,
            key=None if holder is None else holder.key.name,
            coverage=None,
            teacher_age_s=None,
            degraded=[],
            batch_requests=None,
            batch_candidates=None,
            inputs=None if request is None else self._inputs(request),
        )

    def _deadline_ms(self, request: RankRequest) -> float:
        return request.deadline_ms or self._settings.deadline_ms

    def _inputs(self, request: RankRequest) -> SlowInputs | None:
        if not self._settings.slow_inputs:
            return None
        return inputs_of(request, has_user_id=self._settings.slow_user_ids)


def _ms(nanoseconds: int) -> float:
    return nanoseconds // 1000 / 1000.0
