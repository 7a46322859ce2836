"""What became of a job's pairs, by block and in all."""

import math
import resource
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

PAIRS: Final = ("computed", "fresh", "duplicate", "not_finite", "withdrawn", "unknown")
"""Every pair of a block is one of these; the first alone is work of the teacher."""

BlockReport = Mapping[str, float]
"""block, pairs by outcome, seconds, ended_ms, peak_mb of the worker so far; numbers alone."""


@dataclass(frozen=True, slots=True)
class Summary:
    blocks: int
    blocks_now: int  # done by this run; the others were done before
    pairs: Mapping[str, int]  # of all blocks, by outcome
    computed_now: int
    seconds: float  # of this run, from the first block's beginning to the last one's end
    pairs_per_s: float
    busy: float  # share of the workers' time in which they had a block; 1 when Ray costs nothing
    worker_peak_mb: float  # the largest of this run's workers
    driver_peak_mb: float

    @classmethod
    def of(
        cls,
        before: Iterable[BlockReport],
        now: Iterable[BlockReport],
        seconds: float,
        workers: int,
    ) -> "Summary":
        earlier, done = list(before), list(now)
        computed = _summed(done)["computed"]
        total = _summed([*earlier, *done])
        return cls(
            blocks=len(earlier) + len(done),
            blocks_now=len(done),
            pairs={outcome: total[outcome] for outcome in PAIRS},
            computed_now=computed,
            seconds=round(seconds, 3),
            pairs_per_s=round(computed / seconds, 1) if seconds else 0.0,
            busy=_busy(done, seconds * workers),
            worker_peak_mb=max((report["peak_mb"] for report in done), default=0.0),
            driver_peak_mb=peak_mb(),
        )


class Span:
    """Of a run, by its workers' clocks: reports come late where the machine is busy, and starting
    Ray does not count."""

    def __init__(self) -> None:
        self._began_ms = math.inf
        self._ended_ms = 0.0

    def after(self, report: BlockReport) -> float:
        """Seconds from the first block's beginning to the last one's end, this one counted."""
        self._began_ms = min(self._began_ms, report["ended_ms"] - 1000.0 * report["seconds"])
        self._ended_ms = max(self._ended_ms, report["ended_ms"])
        return (self._ended_ms - self._began_ms) / 1000.0


def peak_mb() -> float:
    """The largest that this process has been in memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


def _busy(reports: Iterable[BlockReport], seconds: float) -> float:
    return round(sum(report["seconds"] for report in reports) / seconds, 3) if seconds else 0.0


def _summed(reports: Iterable[BlockReport]) -> Counter[str]:
    total: Counter[str] = Counter()
    for report in reports:
        total.update({outcome: int(report.get(outcome, 0)) for outcome in PAIRS})
    return total
