"""The whole suite on a small log: whose rows it answers, and what the test window teaches it."""

import numpy as np
import polars as pl
import pytest
from rich.progress import Progress

from models.baselines.suite import GRIDS, TASK, BaselineAnswers, Split, baseline_answers, split_of
from models.baselines.tuning import tuned
from models.data.adworld.world import make_log
from models.data.causal import Replay
from models.data.log import Log
from models.evaluate import Evaluation
from tests.models.data.small_logs import with_impressions
from tests.trained import IMPRESSIONS


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log(impressions=IMPRESSIONS, seed=7)


@pytest.fixture(scope="module")
def replay(log: Log) -> Replay:
    return Replay.of(log)


@pytest.fixture(scope="module")
def answers(replay: Replay) -> BaselineAnswers:
    with Progress(disable=True) as progress:
        return baseline_answers(replay, 0, progress, grid_limit=1)


@pytest.fixture(scope="module")
def split(replay: Replay) -> Split:
    return split_of(replay)


@pytest.fixture(scope="module")
def turned(log: Log) -> Split:
    """As `split`, of a log whose labels are others from the test window on."""
    of_test = pl.col("timestamp_ms") >= log.periods.test_from_ms
    labels = [
        pl.when(of_test).then(1 - pl.col(task)).otherwise(pl.col(task)).cast(pl.Int8).alias(task)
        for task in log.schema.tasks
    ]
    changed = with_impressions(log, log.impressions.with_columns(labels))
    return split_of(Replay.of(changed))


def test_every_baseline_answers_each_row_of_the_evaluation(
    replay: Replay, answers: BaselineAnswers
) -> None:
    evaluation = Evaluation.of(replay)
    assert set(answers.probabilities) == set(answers.choices) == set(GRIDS)
    for name, p in answers.probabilities.items():
        assert p.shape == (len(evaluation.rows), 1), name
        assert ((p > 0) & (p < 1)).all(), name
        assert p.std() > 0, name
        assert evaluation.measured(p, TASK)["log_loss"] > 0


def test_a_limited_grid_tries_its_first_point_alone(answers: BaselineAnswers) -> None:
    for name, choice in answers.choices.items():
        assert len(choice.tried) == 1, name
        assert choice.config == GRIDS[name][0].model_dump(), name


def test_answers_stand_in_the_order_of_the_evaluations_rows(replay: Replay, split: Split) -> None:
    np.testing.assert_array_equal(split.test.impression, Evaluation.of(replay).rows)


def test_probabilities_are_calibrated_on_validation(split: Split, answers: BaselineAnswers) -> None:
    rate = float(split.validation.labels[:, TASK].mean())
    for name, p in answers.probabilities.items():
        assert 0.5 * rate < p.mean() < 2.0 * rate, name


def test_labels_of_the_test_window_do_change_its_own_features(split: Split, turned: Split) -> None:
    """The test below could not fail if the two logs were alike."""
    assert split.test.labels.tobytes() != turned.test.labels.tobytes()
    assert split.test.counters.tobytes() != turned.test.counters.tobytes()


@pytest.mark.parametrize("name", GRIDS)
def test_labels_of_the_test_window_change_neither_choice_nor_fit(
    name: str, split: Split, turned: Split
) -> None:
    one, other = (
        tuned(GRIDS[name][:2], cut.train, cut.validation, TASK, 0) for cut in (split, turned)
    )
    left_out = {"seconds"}
    assert one.choice.model_dump(exclude=left_out) == other.choice.model_dump(exclude=left_out)
    for design in split:
        np.testing.assert_array_equal(one.logits(design), other.logits(design))


def test_training_can_take_the_teachers_period_too(replay: Replay, split: Split) -> None:
    longer = split_of(replay, "both")
    assert longer.train.impression[-1] == split.train.impression[-1]
    assert (
        longer.train.impression[0]
        == replay.offsets[np.searchsorted(replay.time_ms, replay.log.periods.teacher_from_ms)]
    )
    assert len(longer.train) > len(split.train)
    np.testing.assert_array_equal(longer.validation.impression, split.validation.impression)
