"""Every textbook baseline on the split that teachers and students are measured on."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from rich.progress import Progress

from models.baselines import deepfm, factorization_machine, logistic, trees
from models.baselines.baseline import Baseline, Logits
from models.baselines.design import Design, design_of
from models.baselines.tuning import Choice, tuned
from models.calibration import fit as fit_calibration
from models.data.causal import Replay
from models.data.periods import Days
from models.examples import Examples, features_of
from models.features.records import F64
from models.train import STUDENT_HISTORY, TEACHER_HISTORY

TASK: Final = 0
RECENT, WHOLE = STUDENT_HISTORY, TEACHER_HISTORY
GRIDS: Final[dict[str, Sequence[Baseline]]] = {
    "logistic": logistic.grid(),
    f"logistic_matches_{WHOLE}": logistic.grid(WHOLE),
    "trees_side": trees.grid(counters=False),
    "trees_counters": trees.grid(counters=True),
    f"trees_matches_{RECENT}": trees.grid(counters=True, match_length=RECENT),
    f"trees_matches_{WHOLE}": trees.grid(counters=True, match_length=WHOLE),
    "fm": factorization_machine.GRID,
    "deepfm": deepfm.GRID,
}


class BaselineAnswers(NamedTuple):
    """By baseline; probabilities are of the log's first task."""

    probabilities: dict[str, F64]  # [n, 1] in the order of models.evaluate.Evaluation.of(…).rows
    choices: dict[str, Choice]


class Split(NamedTuple):
    train: Design
    validation: Design
    test: Design


def baseline_answers(
    replay: Replay,
    seed: int,
    progress: Progress,
    grid_limit: int | None = None,
    days: Days = "student",
) -> BaselineAnswers:
    """Fitted, chosen and calibrated before the test window, then asked about it.

    `grid_limit` keeps the first points of each grid. Raises DesignImpossible when a period holds no
    requests, TuningRefused when there are no labels to learn or to choose by.
    """
    bar = progress.add_task("baselines: tables", total=len(GRIDS))
    split = split_of(replay, days)
    answers = BaselineAnswers({}, {})
    for name, grid in GRIDS.items():
        progress.update(bar, description=f"baselines: {name}")
        found = tuned(grid[:grid_limit], split.train, split.validation, TASK, seed)
        answers.probabilities[name] = calibrated(found.logits, split, TASK)
        answers.choices[name] = found.choice
        progress.advance(bar)
    return answers


def split_of(replay: Replay, days: Days = "student") -> Split:
    cuts = replay.log.periods
    features = features_of(replay, WHOLE, teacher_dim=0, until_ms=cuts.validation_from_ms)
    examples = Examples.of(replay, features)
    windows = (cuts.learnt(days), cuts.validation, cuts.test)
    lengths = (RECENT, WHOLE)
    return Split(*(design_of(examples, replay.requests_in(cut), lengths) for cut in windows))


def tree_answers(replay: Replay, seed: int) -> F64:
    """`[n, T]` on the test rows: the trees with counters and match counts, tuned for each task.

    Raises what `baseline_answers` raises.
    """
    split, grid = split_of(replay), GRIDS[f"trees_matches_{WHOLE}"]
    answers = [
        calibrated(tuned(grid, split.train, split.validation, task, seed).logits, split, task)
        for task in range(replay.labels.shape[1])
    ]
    return np.concatenate(answers, axis=1)


def calibrated(logits: Logits, split: Split, task: int) -> F64:
    """`[n, 1]` on the test rows, by the scaling that models are served with."""
    known = split.validation.known(task)
    scaling = fit_calibration(logits(known), known.label(task).astype(np.int8))
    return scaling.probabilities(logits(split.test))[:, None]
