"""When a policy is asked for wishes: a second after a request, then at pauses that double."""

from typing import Final

TICK_MS: Final = 1_000
IDLE_TICK_MS: Final = 60_000


class Cadence:
    def __init__(self) -> None:
        self._planned_ms: int | None = None
        self._pause_ms = TICK_MS

    def heard(self, now_ms: int) -> None:
        """Of a request."""
        self._pause_ms = TICK_MS
        if self._planned_ms is None or self._planned_ms + TICK_MS < now_ms:
            self._planned_ms = now_ms

    def take(self, now_ms: int) -> bool:
        """Whether it is time; then the next pause begins. Never before a request was heard of."""
        if self._planned_ms is None or now_ms < self._planned_ms + self._pause_ms:
            return False
        self._planned_ms = now_ms
        self._pause_ms = min(2 * self._pause_ms, IDLE_TICK_MS)
        return True
