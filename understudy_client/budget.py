"""The time of one whole call, retries and waits between them included."""

import math
from collections.abc import Iterator, Mapping
from typing import Final

from understudy_client.clock import Clock
from understudy_client.errors import DeadlineExceeded, InvalidRequest

MAX_DEADLINE_MS: Final = 60_000.0
LEAST_S: Final = 0.001
"""A socket takes a timeout of 0 for "never wait at all"."""


class Budget:
    def __init__(self, deadline_ms: float, grace_ms: float, clock: Clock) -> None:
        """Begins now. Raises InvalidRequest."""
        self.deadline_ms = _checked(deadline_ms)
        self._clock = clock
        self._ends_s = clock.now_s() + deadline_ms / 1000.0
        self._grace_s = grace_ms / 1000.0

    @property
    def left_s(self) -> float:
        """Until the deadline; below 0 past it."""
        return self._ends_s - self._clock.now_s()

    @property
    def left_ms(self) -> float:
        """To send with the request. Raises DeadlineExceeded when there is nothing left."""
        left_ms = self.left_s * 1000.0
        if left_ms <= 0:
            raise self.exceeded("before the request was sent")
        return left_ms

    @property
    def patience_s(self) -> float:
        """How long to wait for the gateway: until the deadline and a grace, since an answer that
        was ready at the deadline is still on its way then."""
        return max(self.left_s + self._grace_s, LEAST_S)

    def check(self) -> None:
        """Raises DeadlineExceeded once the grace is over too."""
        if self.left_s + self._grace_s <= 0:
            raise self.exceeded("before the answer was whole")

    def exceeded(self, when: str) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"the call's {self.deadline_ms:g} ms passed {when}",
            field="deadline_ms",
            value=f"{self.deadline_ms:g}",
            remedy="allow more time, or ask another replica",
        )


class TimeLeft(Mapping[str, float]):
    """HTTP timeouts in seconds, read anew as each phase begins: the call has one budget, and not
    one for each of connecting, writing and reading."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def __getitem__(self, phase: str) -> float:
        return self._budget.patience_s

    def __iter__(self) -> Iterator[str]:
        return iter(("connect", "read", "write", "pool"))

    def __len__(self) -> int:
        return 4


def _checked(deadline_ms: float) -> float:
    if math.isfinite(deadline_ms) and 0 < deadline_ms <= MAX_DEADLINE_MS:
        return deadline_ms
    raise InvalidRequest(
        f"a deadline is above 0 and at most {MAX_DEADLINE_MS:g} ms",
        field="deadline_ms",
        value=f"{deadline_ms:g}",
        remedy="give the milliseconds that the caller can wait for",
    )
