"""Who waits for the model: those of low priority behind all others, each in order of arrival."""

import asyncio
from collections import deque
from collections.abc import Iterator
from itertools import chain
from math import inf
from typing import Final, NamedTuple

from server.admission import Admission
from server.assembly import Assembled, Prepared
from server.caller import Caller, HungUp
from server.errors import ServingError
from server.ranked import Inputs, Scored, Wanted
from server.stages import StageClock

SHARE_OF_LEFT: Final = 0.7
"""Of the time that a request has left, what those judged together with it may take: the rest is
for what was not foreseen, and for answering."""


class Judged(NamedTuple):
    assembled: Assembled
    scored: Scored
    inputs: Inputs


class Waiting(NamedTuple):
    prepared: Prepared
    wanted: Wanted
    clock: StageClock
    deadline_ms: float
    caller: Caller
    answer: asyncio.Future[Judged]

    @property
    def candidates(self) -> int:
        return len(self.prepared.columns.item_ids)

    @property
    def until_ns(self) -> int:
        """Its deadline, of perf_counter_ns."""
        return self.clock.started_ns + int(self.deadline_ms * 1e6)

    @property
    def left_ms(self) -> float:
        return self.deadline_ms - self.clock.elapsed_ms


class Line:
    def __init__(self, admission: Admission, max_candidates: int) -> None:
        """`max_candidates` bound a batch of more than one request."""
        self._admission = admission
        self._max = max_candidates
        self._normal: deque[Waiting] = deque()
        self._low: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._normal) + len(self._low)

    def __iter__(self) -> Iterator[Waiting]:
        return chain(self._normal, self._low)

    def join(self, waiting: Waiting) -> None:
        (self._low if waiting.caller.is_low else self._normal).append(waiting)

    def batch(self) -> list[Waiting]:
        """Those next in line; whoever hung up, or can no longer be in time, leaves it."""
        batch: list[Waiting] = []
        candidates, until_ms = 0, inf
        while queue := self._normal or self._low:
            waiting = queue[0]
            if not self._is_wanted(waiting):
                queue.popleft()
                continue
            candidates += waiting.candidates
            until_ms = min(until_ms, SHARE_OF_LEFT * waiting.left_ms)
            if batch and not self._fits(len(batch) + 1, candidates, until_ms):
                break
            batch.append(queue.popleft())
        return batch

    def _fits(self, requests: int, candidates: int, until_ms: float) -> bool:
        """They are answered together, so that each of them waits for all."""
        if candidates > self._max:
            return False
        return self._admission.expected_ms(requests, candidates) <= until_ms

    def _is_wanted(self, waiting: Waiting) -> bool:
        if waiting.answer.done():
            return False
        if waiting.caller.has_hung_up():
            waiting.answer.set_exception(HungUp())
            return False
        try:
            self._admission.check_left(
                waiting.candidates, waiting.clock, waiting.deadline_ms, "as its turn came"
            )
        except ServingError as error:
            waiting.clock.mark("queue")
            waiting.answer.set_exception(error)
            return False
        return True
