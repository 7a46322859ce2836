"""What came over this protocol since the start, in the terms of its statistics extension."""

from collections.abc import Callable, Mapping
from typing import Final

from server.open_inference.wire import Duration, InferStatistics, ModelStatistics
from server.stages import StageClock

PARTS: Final = {
    "queue": ("queue",),
    "compute_input": ("decode", "cache", "features"),
    "compute_infer": ("inference",),
    "compute_output": ("rerank", "encode"),
}
"""The protocol's parts of an inference → our stages."""


class Tally:
    """Of one model version."""

    def __init__(self) -> None:
        self.count = self.ns = 0
        self.failures = self.failed_ns = 0
        self.last_ms = 0
        self.by_part = dict.fromkeys(PARTS, 0)

    def succeeded(self, clock: StageClock, now_ms: int) -> None:
        self.count += 1
        self.ns += clock.total_ns
        self.last_ms = now_ms
        for part, stages in PARTS.items():
            self.by_part[part] += sum(clock.spent_ns[stage] for stage in stages)

    def failed(self, clock: StageClock) -> None:
        self.failures += 1
        self.failed_ns += round(clock.elapsed_ms * 1e6)


class Statistics:
    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._tallies: dict[str, Tally] = {}  # as many as bundles were opened

    def succeeded(self, version: str, clock: StageClock) -> None:
        self._tally(version).succeeded(clock, self._clock_ms())

    def failed(self, version: str, clock: StageClock) -> None:
        self._tally(version).failed(clock)

    def of(self, model: str, version: str) -> ModelStatistics:
        """A request is one inference and one execution: which requests shared a run of the model
        is not told by request."""
        tally = self._tally(version)
        parts: Mapping[str, Duration] = {
            part: Duration(tally.count, ns) for part, ns in tally.by_part.items()
        }
        stats = InferStatistics(
            success=Duration(tally.count, tally.ns),
            fail=Duration(tally.failures, tally.failed_ns),
            **parts,
        )
        return ModelStatistics(model, version, tally.last_ms, tally.count, tally.count, stats)

    def _tally(self, version: str) -> Tally:
        return self._tallies.setdefault(version, Tally())
