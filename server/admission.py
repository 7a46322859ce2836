"""Whether a request can be answered in time, decided at the door and counted in candidates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np

from server.errors import DeadlineExceeded, Overloaded
from server.stages import StageClock

MIN_SLOWNESS: Final = 0.25
MAX_SLOWNESS: Final = 8.0
LEARNING_RATE: Final = 0.05
FORGIVENESS: Final = 0.8
TIME_SHARE: Final = 0.8
"""Of the time that is left, what a request and all before it may need as it comes in: under more
load than can be done all come in at that limit, where what is foreseen wrongly makes them late."""
LOW_SHARE: Final = 0.5
"""Of room and time, what a request of low priority may count on: the rest is left for those that
come after it and go before it."""


class Timing(NamedTuple):
    """One warm-up answer."""

    candidates: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Time of one request: `per_candidate_ms`·N + `per_request_ms`."""

    per_request_ms: float
    per_candidate_ms: float

    @classmethod
    def fit(cls, timings: Sequence[Timing]) -> Self:
        """Least squares over the median of each size, so that one slow answer counts little."""
        sizes = sorted({timing.candidates for timing in timings})
        medians = [
            float(np.median([t.took_ms for t in timings if t.candidates == size])) for size in sizes
        ]
        if len(sizes) < 2:
            return cls(medians[0] if medians else 0.0, 0.0)
        slope, offset = np.polyfit(sizes, medians, 1)
        return cls(max(float(offset), 0.0), max(float(slope), 0.0))

    def of(self, requests: int, candidates: int) -> float:
        """Milliseconds."""
        return self.per_request_ms * requests + self.per_candidate_ms * candidates


class Room:
    """Candidates in work in a process, in whatever lane, and how many may be."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.candidates = 0


class Admission:
    """Counts what is in work in a lane. Owned by the event loop; no lock."""

    def __init__(self, cost: Cost, room: Room) -> None:
        """`room` is that of all lanes of the process."""
        self.cost = cost
        self.room = room
        self.requests = 0
        self.candidates = 0
        self.slowness = 1.0
        """What work takes now, as a multiple of its cost, as seen in what was done."""

    def begin(self, cost: Cost) -> None:
        """With the cost that warm-up found, and nothing of what was learnt while it ran."""
        self.cost = cost
        self.slowness = 1.0

    def admit(
        self, candidates: int, clock: StageClock, deadline_ms: float, *, is_low: bool = False
    ) -> "Admitted":
        """Holds the candidates until the context that this is ends.

        Raises DeadlineExceeded when it is late already, Overloaded when it would be.
        """
        left_ms = deadline_ms - clock.elapsed_ms
        if left_ms <= 0:
            raise late(deadline_ms, "before it was admitted")
        share = LOW_SHARE if is_low else 1.0
        self._check_room(candidates, share)
        self._check_time(candidates, left_ms * TIME_SHARE * share, deadline_ms)
        return Admitted(self, candidates)

    def check_left(self, candidates: int, clock: StageClock, deadline_ms: float, when: str) -> None:
        """Whether a request whose turn has come can still be done: by its own cost alone, for it
        waits no more. Raises DeadlineExceeded, Overloaded."""
        left_ms = deadline_ms - clock.elapsed_ms
        if left_ms <= 0:
            raise late(deadline_ms, when)
        needed_ms = self.cost.of(1, candidates)
        if needed_ms > left_ms:
            raise self._too_late(
                f"{when} {left_ms:.1f} ms of the deadline were left, and {candidates} candidates "
                f"need about {needed_ms:.1f} ms",
                deadline_ms,
            )

    def expected_ms(self, requests: int, candidates: int) -> float:
        """How long they take, as work goes now."""
        return self.cost.of(requests, candidates) * self.slowness

    def worked(self, requests: int, candidates: int, took_ms: float) -> None:
        """What a batch took teaches what the next will. The cost is that of its requests alone,
        each from first byte to last: several together may take less."""
        ratio = took_ms / max(self.cost.of(requests, candidates), 1e-3)
        self._learn(max(ratio, 1.0) if requests == 1 else ratio)

    def spare_ms(self, candidates: int, clock: StageClock, deadline_ms: float) -> float:
        """What the request may wait for others: half of what its own work leaves.

        Half, since timers are late when the loop is busy, and late is worse than without hints.
        """
        return (deadline_ms - clock.elapsed_ms - self.cost.of(1, candidates)) / 2

    def _check_room(self, candidates: int, share: float) -> None:
        taken, room = self.room.candidates, int(self.room.most * share)
        if taken and taken + candidates > room:
            raise Overloaded(
                f"{taken} candidates are in work, {room} may be"
                + ("" if share == 1.0 else " before one of low priority"),
                remedy="retry after the time in Retry-After, or on another replica",
                retry_after_s=self._retry_after_s(),
            )

    def _learn(self, ratio: float) -> None:
        target = min(max(ratio, MIN_SLOWNESS), MAX_SLOWNESS)
        self.slowness += LEARNING_RATE * (target - self.slowness)

    def _check_time(self, candidates: int, left_ms: float, deadline_ms: float) -> None:
        """Whether it can be done behind what is in work. Raises Overloaded."""
        needed_ms = self.expected_ms(self.requests + 1, self.candidates + candidates)
        if needed_ms > left_ms:
            if not self.requests:
                # Were all refused, nothing would ever be learnt again.
                self._learn(self.slowness * FORGIVENESS)
            raise self._too_late(
                f"{candidates} candidates behind {self.candidates} in work need about "
                f"{needed_ms:.1f} ms, and {left_ms:.1f} ms of the deadline are left for it",
                deadline_ms,
            )

    def _too_late(self, detail: str, deadline_ms: float) -> Overloaded:
        return Overloaded(
            detail,
            field="deadline_ms",
            value=deadline_ms,
            remedy="send fewer candidates, allow more time, or use another replica",
            retry_after_s=self._retry_after_s(),
        )

    def _retry_after_s(self) -> int:
        return max(1, math.ceil(self.cost.of(self.requests, self.candidates) / 1000.0))


class Admitted:
    """In work from its beginning to its end."""

    __slots__ = ("_admission", "_candidates")

    def __init__(self, admission: Admission, candidates: int) -> None:
        self._admission, self._candidates = admission, candidates

    def __enter__(self) -> None:
        self._admission.requests += 1
        self._admission.candidates += self._candidates
        self._admission.room.candidates += self._candidates

    def __exit__(self, *ending: object) -> None:
        self._admission.requests -= 1
        self._admission.candidates -= self._candidates
        self._admission.room.candidates -= self._candidates


def late(deadline_ms: float, when: str) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"the deadline of {deadline_ms:g} ms passed {when}",
        field="deadline_ms",
        value=deadline_ms,
        remedy="allow more time, or use another replica",
    )
