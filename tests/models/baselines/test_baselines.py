"""What holds for every baseline: it learns, repeats, and reads only what it may."""

from dataclasses import replace

import numpy as np
import pytest

from models.baselines.baseline import Baseline
from models.baselines.deepfm import DeepFmConfig
from models.baselines.factorization_machine import FactorizationConfig
from models.baselines.logistic import LogisticConfig, one_hot
from models.baselines.trees import TreesConfig, few_valued
from models.baselines.tuning import validation_loss
from tests.models.baselines.planted import MATCH_LENGTH, click_odds, planted

TRAIN, VALIDATION = planted(1), planted(2)
QUICK = {"batch_rows": 128, "learning_rate": 1e-2, "embedding_decay": 0.0, "epochs": 3}
EVERY: dict[str, Baseline] = {
    "logistic": LogisticConfig(penalty=1.0),
    "trees": TreesConfig(least_rows=20),
    "fm": FactorizationConfig(**QUICK),
    "deepfm": DeepFmConfig(**QUICK),
}


def loss(baseline: Baseline) -> float:
    logits = baseline.fit(TRAIN, VALIDATION, 0, 0)
    return validation_loss(logits(VALIDATION), VALIDATION.labels[:, 0])


def base_rate_loss() -> float:
    rate = TRAIN.labels.mean()
    odds = np.full(len(VALIDATION), np.log(rate / (1 - rate)), np.float32)
    return validation_loss(odds, VALIDATION.labels[:, 0])


def best_loss() -> float:
    odds = click_odds(VALIDATION.columns, VALIDATION.categorical, VALIDATION.counters)
    return validation_loss(odds.astype(np.float32), VALIDATION.labels[:, 0])


@pytest.mark.parametrize("name", ["trees", "fm", "deepfm"])
def test_what_can_cross_columns_comes_near_the_best_possible(name: str) -> None:
    found = loss(EVERY[name])
    assert best_loss() < found < best_loss() + 0.4 * (base_rate_loss() - best_loss())


def test_logistic_regression_learns_the_counter_and_no_crossing() -> None:
    found = loss(EVERY["logistic"])
    assert best_loss() + 0.4 * (base_rate_loss() - best_loss()) < found < base_rate_loss() - 0.03


@pytest.mark.parametrize("name", EVERY)
def test_same_seed_gives_the_same_logits(name: str) -> None:
    first, second = (EVERY[name].fit(TRAIN, VALIDATION, 0, 5)(VALIDATION) for _ in range(2))
    assert first.shape == (len(VALIDATION),)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", EVERY)
def test_rows_without_a_label_teach_nothing(name: str) -> None:
    holed, held = planted(1, unknown=0.3), planted(2, unknown=0.3)
    with_holes = EVERY[name].fit(holed, held, 0, 0)(VALIDATION)
    without = EVERY[name].fit(holed.known(0), held.known(0), 0, 0)(VALIDATION)
    np.testing.assert_array_equal(with_holes, without)


@pytest.mark.parametrize("name", EVERY)
def test_what_a_baseline_does_not_read_changes_nothing(name: str) -> None:
    blind = EVERY[name].model_copy(update={"counters": False})  # type: ignore[attr-defined]
    logits = blind.fit(TRAIN, VALIDATION, 0, 0)
    turned = replace(VALIDATION, counters=-VALIDATION.counters)
    np.testing.assert_array_equal(logits(VALIDATION), logits(turned))


def test_match_counts_are_read_where_asked_for() -> None:
    logits = LogisticConfig(match_length=MATCH_LENGTH).fit(TRAIN, VALIDATION, 0, 0)
    turned = replace(VALIDATION, matches={MATCH_LENGTH: 1.0 - VALIDATION.matches[MATCH_LENGTH]})
    assert (logits(VALIDATION) != logits(turned)).any()


def test_one_hot_puts_each_column_into_its_own_range() -> None:
    encoded = one_hot(TRAIN)
    starts = np.cumsum([0, *TRAIN.columns.buckets])
    assert encoded.shape == (len(TRAIN), starts[-1])
    rows, places = encoded.nonzero()
    order = np.lexsort((places, rows))
    found = places[order].reshape(len(TRAIN), -1) - starts[:-1]
    np.testing.assert_array_equal(found, TRAIN.categorical)
    assert set(encoded.data) == {1.0}


def test_trees_leave_columns_of_many_values_out() -> None:
    names = np.array(TRAIN.columns.categorical)
    assert "item.item_id" in names
    assert names[few_valued(TRAIN, 32)].tolist() == [
        "user.taste",
        "context.hour",
        "item.category",
    ]
