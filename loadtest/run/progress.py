"""A run on the terminal while it runs."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from loadtest.run.answers import SHED, Sample
from loadtest.run.engine import Watch

EVERY_S: Final = 0.5
RECENT: Final = 2000


class Meter:
    """Of the last RECENT answers; counts are of all."""

    def __init__(self) -> None:
        self.heard = self.failed = self.shed = 0
        self._recent: deque[tuple[float, float]] = deque(maxlen=RECENT)  # (heard at, latency)

    def see(self, sample: Sample, now_s: float) -> None:
        self.heard += 1
        self.shed += sample.status == SHED
        self.failed += sample.status not in (200, SHED)
        if sample.status == 200:
            self._recent.append((now_s, sample.latency_ms))

    def words(self) -> str:
        counts = f"{self.failed} failed, {self.shed} shed"
        if len(self._recent) < 2:
            return counts
        spent = [latency for _, latency in self._recent]
        p50, p99 = np.percentile(spent, [50, 99])
        window_s = max(self._recent[-1][0] - self._recent[0][0], 1e-3)
        return f"{len(spent) / window_s:6.0f}/s  p50 {p50:6.1f}  p99 {p99:6.1f} ms  {counts}"


@contextmanager
def shown(name: str, seconds: float, console: Console) -> Iterator[Watch]:
    """Only on a terminal; drawn between answers, at most twice a second."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    meter, last_s = Meter(), 0.0
    with Progress(
        *columns, console=console, auto_refresh=False, disable=not console.is_terminal
    ) as progress:
        bar = progress.add_task(name, total=seconds)

        def watch(sample: Sample) -> None:
            nonlocal last_s
            now_s = time.monotonic()
            meter.see(sample, now_s)
            if now_s - last_s > EVERY_S:
                last_s = now_s
                words = f"{name}  {meter.words()}"
                progress.update(bar, completed=sample.due_s, description=words, refresh=True)

        yield watch
