"""The confidence sequence of a rate."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from server.rollout.guardrails.rates import PRIORS, interval, log_mixture
from tests.server.rollout.guardrails.paths import LOOKS, counts, ever

ALPHA = 0.05


def test_mixture_is_the_likelihood_ratio_mixed_over_the_prior() -> None:
    k, n, p, a, b = 3, 20, 0.3, 2.0, 5.0
    norm = math.gamma(a + b) / math.gamma(a) / math.gamma(b)

    def weighed(q: float) -> float:
        prior = norm * q ** (a - 1) * (1 - q) ** (b - 1)
        return float(prior * (q / p) ** k * ((1 - q) / (1 - p)) ** (n - k))

    mixed = float(log_mixture(np.array(3.0), np.array(20.0), p, a, b))
    assert mixed == pytest.approx(math.log(quad(weighed, 0.0, 1.0)[0]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 300), st.integers(0, 3_000))
def test_bounds_are_where_the_mixture_says_so(k: int, more: int) -> None:
    n = k + more
    low, high = (float(end) for end in interval(np.array(float(k)), np.array(float(n)), ALPHA))
    assert 0.0 <= low <= (k / n if n else 0.0)
    assert (k / n if n else 1.0) <= high <= 1.0
    for end, is_free in ((low, k == 0), (high, k == n)):
        if not is_free:
            each = [log_mixture(np.array(k), np.array(n), end, *prior) for prior in PRIORS]
            mixed = np.logaddexp.reduce(each) - math.log(len(PRIORS))
            assert mixed == pytest.approx(math.log(1 / ALPHA), abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 499), st.integers(500, 5_000))
def test_more_events_are_never_less_evidence(k: int, n: int) -> None:
    few, more = (interval(np.array(float(c)), np.array(float(n)), ALPHA) for c in (k, k + 1))
    assert few.low <= more.low
    assert few.high <= more.high


def test_interval_shrinks_towards_the_rate() -> None:
    n = np.array([1e2, 1e4, 1e6])
    low, high = interval(0.1 * n, n, ALPHA)
    assert (np.diff(high - low) < 0.0).all()
    assert high[-1] - low[-1] < 0.003


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.5])
def test_rate_is_outside_at_any_time_no_more_often_than_alpha_says(rate: float) -> None:
    events = counts(np.random.default_rng(2), rate, 1_500)
    ends = [interval(k, np.full_like(k, at), ALPHA) for k, at in zip(events, LOOKS, strict=True)]
    held = dict(zip(LOOKS.tolist(), ends, strict=True))
    assert ever(lambda at: (held[at].low > rate) | (held[at].high < rate)) < 0.06
