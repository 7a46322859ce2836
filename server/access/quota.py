"""A token bucket of candidates."""

from collections.abc import Callable


class Quota:
    """`rate_per_s` fill it, `burst` is what it holds; full at first.

    A request larger than the bucket is let through a full one, and leaves a debt: otherwise it
    could never be answered.
    """

    def __init__(self, rate_per_s: float, burst: float, clock_s: Callable[[], float]) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._clock_s = clock_s
        self._tokens = burst
        self._at_s = clock_s()

    def wait_s(self, candidates: int) -> float:
        """0 when they may come now, and were taken; else when they may."""
        self._fill()
        needed = min(float(candidates), self.burst)
        if self._tokens < needed:
            return (needed - self._tokens) / self.rate_per_s
        self._tokens -= candidates
        return 0.0

    def _fill(self) -> None:
        now_s = self._clock_s()
        passed_s, self._at_s = now_s - self._at_s, now_s
        self._tokens = min(self._tokens + passed_s * self.rate_per_s, self.burst)
