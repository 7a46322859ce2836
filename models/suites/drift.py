"""How far another checkpoint's space lies from the one that a student knows, step by step.

n pairs, d width of z.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from models.annotation.annotations import Annotations
from models.features.records import F32, I64
from models.suites.measured import Measured, Truth
from models.suites.scores import Answers, measured
from models.suites.table import Cell, Table
from models.suites.workbench import Workbench

HEADINGS: Final = ("impressions", "centroid drift", "cosine")
NOTE: Final = (
    "Of z of the step's pairs, as the fixed checkpoint and the one refreshed up to the step give "
    "it: the distance between the two means, and the mean cosine of a pair's two. A refreshed "
    "teacher's probabilities have the fixed one's calibration: it has learnt on the days that one "
    "of its own would be fitted on."
)
SHORTEST: Final = 1e-12


class Drift(NamedTuple):
    """Of one step under one seed."""

    impressions: int  # all of the step, labels known or not
    centroid: float
    cosine: float


def drift(fixed: Annotations, other: Annotations, rows: I64) -> Drift:
    """Of the pairs in these rows, each as of the same instant in both."""
    z, moved = fixed.pair.z[rows], other.pair.z[rows]
    return Drift(len(rows), centroid_drift(z, moved), mean_cosine(z, moved))


def centroid_drift(z: F32, other: F32) -> float:
    """‖mean z − mean other‖₂ of the same pairs, `[n, d]` both."""
    return float(np.linalg.norm((z - other).mean(axis=0, dtype=np.float64)))


def mean_cosine(z: F32, other: F32) -> float:
    """Of each pair's two, `[n, d]` both."""
    lengths = np.linalg.norm(z, axis=1) * np.linalg.norm(other, axis=1)
    return float(((z * other).sum(axis=1) / np.maximum(lengths, SHORTEST)).mean())


def drift_tables(
    bench: Workbench,
    by_seed: Sequence[Answers],
    drifts: Sequence[Sequence[Drift]],
    variants: Sequence[str],
) -> list[Table]:
    """One a task, a row a step: its drifts, by seed and then by step, and what variants lose."""
    columns = ["step", *HEADINGS, *(f"log loss, {name}" for name in variants)]
    named = enumerate(bench.replay.log.schema.tasks)
    return [
        Table(f"Drift: {name}", columns, list(_rows(bench, by_seed, drifts, variants, task)), NOTE)
        for task, name in named
    ]


def _rows(
    bench: Workbench,
    by_seed: Sequence[Answers],
    drifts: Sequence[Sequence[Drift]],
    variants: Sequence[str],
    task: int,
) -> Iterator[list[Cell | str]]:
    found, truth = measured(by_seed, bench, task)
    chosen = [each for name in variants for each in found if each.name == name]
    counts = [each.impressions for each in drifts[0]]
    known = bench.replay.labels[bench.evaluation.rows, task] >= 0
    step_of = np.repeat(np.arange(len(counts)), counts)[known]
    for step, drifted in enumerate(zip(*drifts, strict=True)):
        rows = np.flatnonzero(step_of == step)
        lost = [_log_loss(each, truth, rows) for each in chosen]
        yield [str(step + 1), f"{len(rows):,}", *_drifted(drifted), *lost]


def _drifted(by_seed: Sequence[Drift]) -> list[Cell]:
    return [
        Cell.of(np.array([each.centroid for each in by_seed])),
        Cell.of(np.array([each.cosine for each in by_seed])),
    ]


def _log_loss(variant: Measured, truth: Truth, rows: I64) -> Cell:
    part = Truth(truth.labels[rows], truth.users[rows])
    answers = [p[rows] for p in variant.answers]
    return Cell.of(Measured(variant.name, answers).metric("log_loss", part))
