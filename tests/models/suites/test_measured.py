"""Figures of a suite: by hand, and whether an interval holds what it should."""

import math

import numpy as np
import pytest

from models.metrics import transfer_ratio
from models.suites.measured import Measured, Truth, gain

RNG = np.random.default_rng(0)
USERS = np.repeat(np.arange(200), 5)
CHANCE = RNG.uniform(0.02, 0.6, len(USERS))
TRUTH = Truth((RNG.random(len(USERS)) < CHANCE).astype(np.int8), USERS)
GOOD = Measured("good", [CHANCE, CHANCE])
BLIND = Measured("blind", [np.full(len(USERS), TRUTH.labels.mean())])


def test_losses_are_the_mean_over_seeds_by_hand() -> None:
    truth = Truth(np.array([1, 0], np.int8), np.array([0, 1]))
    two = Measured("two", [np.array([0.5, 0.5]), np.array([0.25, 0.2])])
    expected = [-(math.log(0.5) + math.log(0.25)) / 2, -(math.log(0.5) + math.log(0.8)) / 2]
    np.testing.assert_allclose(two.losses(truth), expected)


def test_better_answers_gain_and_the_interval_says_so() -> None:
    found = gain(GOOD, BLIND, TRUTH)
    assert 0.0 < found.low < found.gain < found.high


def test_the_reference_gains_nothing_on_itself() -> None:
    assert gain(BLIND, BLIND, TRUTH) == (0.0, 0.0, 0.0)


def test_interval_is_wider_when_a_users_impressions_stand_together() -> None:
    noise = np.repeat(RNG.normal(0, 0.3, 200), 5)
    noisy = Measured("noisy", [1 / (1 + np.exp(-np.log(CHANCE / (1 - CHANCE)) - noise))])
    together = gain(noisy, GOOD, TRUTH)
    apart = gain(noisy, GOOD, TRUTH._replace(users=np.arange(len(USERS))))
    assert together.high - together.low > 0.9 * (apart.high - apart.low)


def test_transfer_ratio_is_the_share_of_the_teachers_gain() -> None:
    alone, teacher = np.array([0.6]), np.array([0.5])
    assert transfer_ratio(alone, np.array([0.56]), teacher) == pytest.approx([0.4])
    assert transfer_ratio(alone, alone, teacher) == pytest.approx([0.0])
