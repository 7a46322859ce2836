"""The distance of two histograms, and the evidence that there is one."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from server.rollout.guardrails.shift import chance, log_evidence, psi
from tests.server.rollout.guardrails.paths import LOOKS, ever

SHARES = np.array([0.05, 0.2, 0.4, 0.25, 0.1, 0.0])


def test_index_is_its_formula_for_large_counts() -> None:
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.3, 0.4])
    expected = float(((q - p) * np.log(q / p)).sum())
    assert float(psi(1e7 * p, 1e7 * q)) == pytest.approx(expected, rel=1e-4)


def test_index_of_samples_of_one_distribution_is_what_chance_makes_of_it() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.multinomial(500, SHARES, 2_000), rng.multinomial(4_500, SHARES, 2_000)
    found = psi(one.astype(np.float64), other.astype(np.float64))
    assert float(np.median(found)) < 0.002
    assert float(chance(one[0], other[0])) == pytest.approx(4 * (1 / 500 + 1 / 4_500))


def test_empty_histograms_have_no_distance_and_no_evidence() -> None:
    empty, full = np.zeros(6), 100.0 * SHARES
    for pair in ((empty, full), (full, empty), (empty, empty)):
        assert float(psi(*pair)) == 0.0
        assert np.isinf(chance(*pair))
        assert float(log_evidence(*pair)) <= 0.0


def test_evidence_is_the_mixed_likelihood_over_the_largest_common_one() -> None:
    def mixed(k: int, n: int) -> float:
        found: float = quad(lambda q: q ** (k - 0.5) * (1 - q) ** (n - k - 0.5), 0, 1)[0]
        return found / math.pi

    share = 9 / 20
    largest = share**9 * (1 - share) ** 11
    expected = math.log(mixed(2, 10) * mixed(7, 10) / largest)
    found = log_evidence(np.array([2.0, 8.0]), np.array([7.0, 3.0]))
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_evidence_of_a_shift_that_is_not_there_is_rare_at_any_time() -> None:
    rng, steps = np.random.default_rng(1), np.diff(LOOKS, prepend=0)
    one, other = (
        np.array([rng.multinomial(times * step, SHARES, 1_000) for step in steps]).cumsum(axis=0)
        for times in (1, 9)
    )
    held = {at: log_evidence(one[i], other[i]) for i, at in enumerate(LOOKS.tolist())}
    assert ever(lambda at: held[at] >= math.log(1 / 0.05)) < 0.05


def test_larger_shift_and_longer_look_are_more_evidence() -> None:
    moved = [np.roll(SHARES, 1) * share + SHARES * (1 - share) for share in (0.2, 0.5, 1.0)]
    found = [float(log_evidence(2_000 * each, 10_000 * SHARES)) for each in moved]
    assert found == sorted(found)
    longer = [float(log_evidence(n * moved[1], 5 * n * SHARES)) for n in (500, 1_000, 4_000)]
    assert longer == sorted(longer)
    assert longer[-1] > 10.0
