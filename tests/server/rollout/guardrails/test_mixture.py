"""The normal mixture against its definition, and on random walks that are always looked at."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from server.rollout.guardrails.mixture import bounded_radius, mixing_for, radius
from tests.server.rollout.guardrails.paths import LOOKS, ever

ALPHA = 0.05


@pytest.mark.parametrize(("variance", "mixing"), [(1.0, 1.0), (0.01, 2.0), (3.0, 0.5)])
def test_mixed_likelihood_ratio_is_one_over_alpha_at_the_radius(
    variance: float, mixing: float
) -> None:
    d = float(radius(np.array(variance), np.array(mixing), ALPHA))

    def weighed(shift: float) -> float:
        prior = math.exp(-(shift**2) / (2 * mixing)) / math.sqrt(2 * math.pi * mixing)
        return prior * math.exp((d**2 - (d - shift) ** 2) / (2 * variance))

    mixed = quad(weighed, -12.0 * math.sqrt(mixing), 12.0 * math.sqrt(mixing), points=[d])[0]
    assert mixed == pytest.approx(1.0 / ALPHA, rel=1e-6)


def test_mixing_is_the_one_with_the_smallest_radius() -> None:
    best = float(mixing_for(0.1, ALPHA))
    reaches = radius(np.array(0.01), best * np.array([0.8, 1.0, 1.25]), ALPHA)
    assert reaches.argmin() == 1


def test_nothing_is_known_without_a_variance() -> None:
    assert np.isinf(radius(np.array([0.0, np.inf]), np.array(1.0), ALPHA)).all()
    assert np.isinf(bounded_radius(np.array(0.0), 200, ALPHA))


def test_walk_leaves_the_radius_at_any_time_no_more_often_than_alpha_says() -> None:
    rng = np.random.default_rng(0)
    steps = np.sqrt(np.diff(LOOKS, prepend=0))
    sums = (steps[:, None] * rng.normal(size=(len(LOOKS), 2_000))).cumsum(axis=0)
    means = dict(zip(LOOKS.tolist(), sums / LOOKS[:, None], strict=True))
    mixing = mixing_for(1.0 / math.sqrt(200.0), ALPHA)
    missed = ever(lambda at: np.abs(means[at]) > radius(np.array(1.0 / at), mixing, ALPHA))
    naive = ever(lambda at: np.abs(means[at]) > 1.96 / math.sqrt(at))
    assert 0.005 < missed < 0.06
    assert naive > 0.2


def test_mean_of_bounded_numbers_stays_within_its_radius() -> None:
    rng = np.random.default_rng(1)
    steps = np.diff(LOOKS, prepend=0)
    sums = rng.binomial(steps[:, None], 0.5, (len(LOOKS), 2_000)).cumsum(axis=0)
    means = dict(zip(LOOKS.tolist(), sums / LOOKS[:, None], strict=True))
    reach = {at: bounded_radius(np.array(float(at)), 200, ALPHA) for at in LOOKS.tolist()}
    assert ever(lambda at: np.abs(means[at] - 0.5) > reach[at]) < 0.06
