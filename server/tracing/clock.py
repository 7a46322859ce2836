"""The clock of a request that is sampled: it remembers when each stage ended."""

from server.stages import StageClock
from server.tracing.trace import Trace


class TracedClock(StageClock):
    __slots__ = ("trace",)

    trace: Trace

    def __init__(self, trace: Trace, arrived_ns: int | None = None) -> None:
        super().__init__(arrived_ns)
        self.trace = trace
        if arrived_ns is not None:
            trace.marks.append(("queue", self._last_ns))

    def mark(self, stage: str) -> None:
        super().mark(stage)
        self.trace.marks.append((stage, self._last_ns))
