"""One budget of tuning for every baseline: a small grid, chosen by log loss on validation."""

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.special import expit
from sklearn.metrics import log_loss

from models.baselines.baseline import Baseline, Logits
from models.baselines.design import Design
from models.features.records import F32, F64
from models.schema import Frozen

MAX_POINTS: Final = 6


class TuningRefused(Exception):
    """The grid is empty or over the budget, or labels of the task are missing or all alike."""


class Choice(Frozen):
    config: dict[str, Any]
    log_loss: float  # on validation, uncalibrated
    tried: tuple[float, ...]  # the log loss of each point of the grid, in its order
    seconds: float  # of the whole grid


class Tuned(NamedTuple):
    logits: Logits
    choice: Choice


def tuned(
    grid: Sequence[Baseline], train: Design, validation: Design, task: int, seed: int
) -> Tuned:
    """The first of the best points; raises TuningRefused."""
    _check_grid(grid)
    _check_labels(train, validation, task)
    began, tried = time.perf_counter(), list[float]()
    best, chosen = None, grid[0]
    for point in grid:
        logits = point.fit(train, validation, task, seed)
        tried.append(validation_loss(logits(validation), validation.labels[:, task]))
        if best is None or tried[-1] < min(tried[:-1]):
            best, chosen = logits, point
    assert best is not None
    seconds = round(time.perf_counter() - began, 2)
    choice = Choice(
        config=chosen.model_dump(), log_loss=min(tried), tried=tuple(tried), seconds=seconds
    )
    return Tuned(best, choice)


def validation_loss(logit: F32, labels: F32) -> float:
    """Mean log loss over the known labels."""
    known = labels >= 0
    p: F64 = expit(logit[known].astype(np.float64))
    return float(log_loss(labels[known], p, labels=[0.0, 1.0]))


def _check_grid(grid: Sequence[Baseline]) -> None:
    if not 1 <= len(grid) <= MAX_POINTS:
        raise TuningRefused(
            f"the grid has {len(grid)} points: give 1 to {MAX_POINTS}, the budget of every baseline"
        )


def _check_labels(train: Design, validation: Design, task: int) -> None:
    learnt = train.labels[:, task]
    found = np.unique(learnt[learnt >= 0]).tolist()
    if found != [0.0, 1.0]:
        raise TuningRefused(
            f"task {task} has the known labels {found} in training, where both 0 and 1 are needed: "
            "train on more of the log or choose another task"
        )
    if not (validation.labels[:, task] >= 0).any():
        raise TuningRefused(
            f"task {task} has no known label in the validation window: move validation_from_ms "
            "or choose another task"
        )
