"""How far a job is: a bar where somebody watches, a line now and then where nobody does."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cache.refresh.backfill.report import BlockReport, Span
from cache.refresh.process import say

LINE_EVERY_S: Final = 30.0

Told = Callable[[BlockReport], None]


@contextmanager
def shown(blocks: int, done: int) -> Iterator[Told]:
    """On stderr. `done`: of `blocks`, by earlier runs."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(blocks, done)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("blocks"),
        TextColumn("{task.fields[rate]:,.0f} pairs/s"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("backfill", total=blocks, completed=done, rate=0.0)
        rate = _Rate()
        yield lambda report: bar.update(task, advance=1, rate=rate.after(report))


def _lines(blocks: int, done: int) -> Told:
    rate, state = _Rate(), {"done": done, "said_s": time.monotonic()}

    def told(report: BlockReport) -> None:
        pairs_per_s = rate.after(report)
        state["done"] += 1
        if time.monotonic() - state["said_s"] >= LINE_EVERY_S:
            state["said_s"] = time.monotonic()
            say("backfill", done=state["done"], blocks=blocks, pairs_per_s=round(pairs_per_s))

    return told


class _Rate:
    """Pairs computed a second by this run."""

    def __init__(self) -> None:
        self._span = Span()
        self._pairs = 0.0

    def after(self, report: BlockReport) -> float:
        self._pairs += report["computed"]
        return self._pairs / max(self._span.after(report), 1e-3)
