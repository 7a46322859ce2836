import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from loadtest.demo.metrics import F64, auc, calibration_error, log_loss, measure, user_auc


def _drawn(seed: int, size: int, levels: int) -> tuple[F64, F64]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(size) < 0.3).astype(np.float64)
    labels[:2] = (0.0, 1.0)
    scores = rng.integers(1, levels + 1, size) / (levels + 1)
    return scores.astype(np.float64), labels


@given(st.integers(0, 1000), st.integers(2, 200), st.integers(1, 50))
def test_auc_is_the_reference_also_with_ties(seed: int, size: int, levels: int) -> None:
    scores, labels = _drawn(seed, size, levels)
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


@given(st.integers(0, 1000), st.integers(2, 200))
def test_log_loss_is_the_reference(seed: int, size: int) -> None:
    scores, labels = _drawn(seed, size, 20)
    assert log_loss(scores, labels) == pytest.approx(sklearn_log_loss(labels, scores))


def test_auc_without_both_outcomes_is_undefined() -> None:
    assert np.isnan(auc(np.array([0.1, 0.2]), np.zeros(2)))


def test_user_auc_compares_within_users_only_and_weighs_by_impressions() -> None:
    scores = np.array([0.9, 0.1, 0.2, 0.3, 0.4, 0.5])
    labels = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    users = np.array([1, 1, 2, 2, 2, 3])
    # user 1 is right (2 impressions), user 2 wrong (3), user 3 has one outcome only
    assert user_auc(scores, labels, users) == pytest.approx(2 / 5)


def test_perfectly_calibrated_scores_have_no_error() -> None:
    labels = np.tile([1.0, 0.0, 0.0, 0.0], 100)
    assert calibration_error(np.full(400, 0.25), labels) == pytest.approx(0.0)
    assert calibration_error(np.full(400, 0.35), labels) == pytest.approx(0.1)


def test_base_rate_has_normalised_entropy_one_and_calibration_one() -> None:
    labels = np.array([1.0, 0.0, 0.0, 0.0])
    quality = measure(np.full(4, 0.25), labels, np.zeros(4, np.int64))
    assert quality.normalised_entropy == pytest.approx(1.0)
    assert quality.calibration == pytest.approx(1.0)
    assert quality.auc == 0.5
