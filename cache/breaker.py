"""A circuit breaker: after repeated failures, stop asking for a while."""

import time
from collections.abc import Callable


class CircuitBreaker:
    """Opens after `failures` in a row, then lets one probe through every `open_s` seconds.

    A probe that never reports (its caller went away) costs one more `open_s`, nothing else.
    """

    def __init__(
        self,
        failures: int = 5,
        open_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._failed_in_a_row = 0
        self._probe_at = 0.0

    def of(self, key: bytes) -> "CircuitBreaker":
        """The one of the server that has this key: see cache.node_breakers."""
        return self

    @property
    def is_open(self) -> bool:
        return self._failed_in_a_row >= self._limit

    def allows(self) -> bool:
        """Whether to try now; True while open takes the probe."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._probe_at:
            return False
        self._probe_at = now + self._open_s
        return True

    def succeeded(self) -> None:
        self._failed_in_a_row = 0

    def failed(self) -> None:
        self._failed_in_a_row += 1
        if self._failed_in_a_row == self._limit:
            self._probe_at = self._clock() + self._open_s
