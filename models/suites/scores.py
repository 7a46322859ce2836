"""Answers of several variants under several seeds → the rows that most tables have."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from models.features.records import F64
from models.metrics import transfer_ratio
from models.suites.measured import METRICS, Difference, Measured, Truth, gain
from models.suites.table import Cell, Table
from models.suites.workbench import Workbench

HEADINGS: Final = ("AUC", "user AUC", "log loss", "NE", "calibration error")
TEACHER: Final = "teacher"
ALONE: Final = "student alone"

Answers = Mapping[str, F64]
"""Variant → probabilities `[n, T]` of one seed."""


def tables(title: str, bench: Workbench, by_seed: Sequence[Answers], note: str = "") -> list[Table]:
    """One table a task; TR and the paired gain are against the student that stands alone."""
    return [
        table_of(f"{title}: {task}", bench, by_seed, place, note)
        for place, task in enumerate(bench.replay.log.schema.tasks)
    ]


def measured(
    by_seed: Sequence[Answers], bench: Workbench, task: int
) -> tuple[list[Measured], Truth]:
    """The impressions of the test window whose label of this task is known."""
    labels = bench.replay.labels[bench.evaluation.rows, task]
    known = labels >= 0
    truth = Truth(labels[known], bench.evaluation.users[known])
    names = list(by_seed[0])
    return [
        Measured(name, [answers[name][known, task] for answers in by_seed]) for name in names
    ], truth


def table_of(
    title: str, bench: Workbench, by_seed: Sequence[Answers], task: int, note: str
) -> Table:
    found, truth = measured(by_seed, bench, task)
    named = {each.name: each for each in found}
    losses = {each.name: each.metric("log_loss", truth) for each in found}
    rows: list[list[Cell | str]] = []
    for each in found:
        cells: list[Cell | str] = [Cell.of(each.metric(name, truth)) for name in METRICS]
        ratio = transfer_ratio(losses[ALONE], losses[each.name], losses[TEACHER])
        ratios = "–" if each.name in (ALONE, TEACHER) else str(Cell.of(ratio, digits=2))
        better = gain(each, named[ALONE], truth)
        rows.append([each.name, *cells, ratios, "–" if each.name == ALONE else interval(better)])
    count = f"{len(truth.labels):,} impressions, {np.unique(truth.users).size:,} users"
    seeds = f"{len(by_seed)} seed" + ("s" if len(by_seed) > 1 else "")
    columns = ["variant", *HEADINGS, "TR", "gain in log loss, 95 %"]
    return Table(f"{title} ({count}, {seeds})", columns, rows, note)


def interval(found: Difference) -> str:
    return f"{found.gain:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
