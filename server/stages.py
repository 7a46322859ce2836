"""Where a request's time goes: one vocabulary for header, metrics and load reports."""

from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from server.tracing.trace import Trace

STAGES: Final = ("decode", "queue", "cache", "features", "inference", "rerank", "encode")
TOTAL: Final = "total"
_HEADER: Final = ", ".join(f"{stage};dur=%.3f" for stage in (*STAGES, TOTAL)).encode()


class StageClock:
    """Charges the time since the last mark to a stage, so that the stages add up to the total."""

    __slots__ = ("_last_ns", "spent_ns", "started_ns")

    trace: "Trace | None" = None
    """Of a request that is traced, whose clock is server.tracing.clock.TracedClock."""

    def __init__(self, arrived_ns: int | None = None) -> None:
        """What passed since the arrival was spent waiting for a turn."""
        self._last_ns = perf_counter_ns()
        self.started_ns = self._last_ns if arrived_ns is None else arrived_ns
        self.spent_ns = dict.fromkeys(STAGES, 0)
        self.spent_ns["queue"] = self._last_ns - self.started_ns

    def mark(self, stage: str) -> None:
        now_ns = perf_counter_ns()
        self.spent_ns[stage] += now_ns - self._last_ns
        self._last_ns = now_ns

    @property
    def elapsed_ms(self) -> float:
        return (perf_counter_ns() - self.started_ns) / 1e6

    @property
    def total_ns(self) -> int:
        return self._last_ns - self.started_ns

    def server_timing(self) -> bytes:
        """Milliseconds to the µs; the total is the sum of what is printed."""
        spent_us = [spent_ns // 1000 for spent_ns in self.spent_ns.values()]
        spent_us.append(sum(spent_us))
        return _HEADER % tuple([us / 1000 for us in spent_us])
