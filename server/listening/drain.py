"""The end of a process in two steps: leave, so that nobody sends more; then close."""

import time
from collections.abc import Callable


class Drain:
    """Begins once, from a signal handler too; over `seconds` after that."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._began_s: float | None = None

    @property
    def has_begun(self) -> bool:
        return self._began_s is not None

    @property
    def is_over(self) -> bool:
        return self._began_s is not None and self._clock() - self._began_s >= self.seconds

    def begin(self) -> None:
        if self._began_s is None:
            self._began_s = self._clock()
