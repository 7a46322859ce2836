from dataclasses import replace

import numpy as np
import pytest

from models.baselines.baseline import Logits
from models.baselines.design import Design
from models.baselines.tuning import TuningRefused, tuned, validation_loss
from models.features.records import F32
from models.schema import Frozen
from tests.models.baselines.planted import planted

TRAIN, VALIDATION = planted(1, rows=300), planted(2, rows=200, unknown=0.2)


class Constant(Frozen):
    """Says one logit of every row."""

    logit: float

    def fit(self, train: Design, validation: Design, task: int, seed: int) -> Logits:
        def logits(design: Design) -> F32:
            return np.full(len(design), self.logit, np.float32)

        return logits


def test_the_point_with_the_lowest_validation_loss_is_chosen() -> None:
    grid = [Constant(logit=logit) for logit in (-3.0, 0.0, 3.0)]
    found = tuned(grid, TRAIN, VALIDATION, 0, 0)
    label = VALIDATION.labels[:, 0]
    losses = [validation_loss(np.full(len(label), c.logit, np.float32), label) for c in grid]
    assert found.choice.tried == tuple(losses)
    assert found.choice.log_loss == min(losses)
    assert found.choice.config == grid[int(np.argmin(losses))].model_dump()
    assert found.logits(VALIDATION)[0] == found.choice.config["logit"]


def test_of_equal_points_the_first_is_chosen() -> None:
    grid = [Constant(logit=logit) for logit in (2.0, -0.0, 0.0)]
    assert str(tuned(grid, TRAIN, VALIDATION, 0, 0).choice.config["logit"]) == "-0.0"


def test_loss_is_that_of_the_known_labels() -> None:
    labels = np.array([1.0, 0.0, -1.0], np.float32)
    logit = np.array([0.0, 0.0, 9.0], np.float32)
    assert validation_loss(logit, labels) == pytest.approx(np.log(2.0))


@pytest.mark.parametrize("points", [0, 7])
def test_a_grid_out_of_budget_is_refused(points: int) -> None:
    with pytest.raises(TuningRefused, match=f"{points} points: give 1 to 6"):
        tuned([Constant(logit=0.0)] * points, TRAIN, VALIDATION, 0, 0)


def test_validation_without_labels_is_refused() -> None:
    blank = replace(VALIDATION, labels=np.full_like(VALIDATION.labels, -1.0))
    with pytest.raises(TuningRefused, match="validation_from_ms"):
        tuned([Constant(logit=0.0)], TRAIN, blank, 0, 0)


def test_training_on_one_class_is_refused() -> None:
    alike = replace(TRAIN, labels=np.zeros_like(TRAIN.labels))
    with pytest.raises(TuningRefused, match=r"labels \[0.0\] in training"):
        tuned([Constant(logit=0.0)], alike, VALIDATION, 0, 0)
