import math

import numpy as np
import pytest

from models.metrics import calibration_error, quality, transfer_ratio, user_auc


def test_perfect_order_has_auc_one_and_coin_flips_have_entropy_one() -> None:
    y = np.array([0, 1] * 50, np.int8)
    assert quality(y * np.float64(0.8) + 0.1, y)["auc"] == 1.0
    assert quality(np.full(100, 0.5), y)["normalised_entropy"] == pytest.approx(1.0)


def test_one_class_alone_has_no_quality() -> None:
    assert quality(np.array([0.2, 0.3]), np.zeros(2, np.int8)) == {}


def test_user_auc_ranks_within_users_only() -> None:
    p = np.array([0.9, 0.8, 0.2, 0.1])
    y, users = np.array([1, 0, 1, 0], np.int8), np.array([0, 0, 1, 1])
    assert user_auc(p, y, users) == 1.0
    assert user_auc(p, y, np.zeros(4, np.int64)) == 0.75
    assert math.isnan(user_auc(p, y, np.arange(4)))


def test_calibration_error_is_the_gap_of_a_constant() -> None:
    y = np.array([1, 0, 0, 0] * 100, np.int8)
    rng = np.random.default_rng(0)
    assert calibration_error(np.full(400, 0.25), rng.permutation(y)) < 0.1
    assert calibration_error(np.full(400, 0.75), y) == pytest.approx(0.5)


def test_transfer_ratio_is_the_share_of_the_teachers_gain() -> None:
    assert transfer_ratio(alone=0.6, cached=0.55, teacher=0.5) == pytest.approx(0.5)
