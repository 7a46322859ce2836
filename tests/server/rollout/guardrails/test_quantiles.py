"""Quantiles from a histogram."""

import math

import numpy as np
import pytest

from models.features.records import F64
from server.rollout.guardrails.layout import LATENCY_EDGES_S
from server.rollout.guardrails.quantiles import (
    _critical_counts,
    _prior_weight,
    quantile,
    quantile_interval,
)
from server.rollout.guardrails.rates import log_mixture
from tests.server.rollout.guardrails.counted import latencies
from tests.server.rollout.guardrails.paths import LOOKS, ever

ALPHA = 0.05


def drawn_s(rng: np.random.Generator, count: int) -> F64:
    return 5e-3 * rng.lognormal(0.0, 0.5, count)


@pytest.mark.parametrize("p", [0.5, 0.99])
def test_quantile_is_known_to_one_bucket(p: float) -> None:
    seconds = drawn_s(np.random.default_rng(0), 20_001)
    found, true = float(quantile(latencies(seconds), p)), float(np.quantile(seconds, p))
    assert true <= found <= true * 2.0 ** (1 / 8)


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [0, 10, 400, 1_500])
def test_critical_counts_are_those_that_trying_all_finds(p: float, n: int) -> None:
    small, large = (float(each) for each in _critical_counts(np.array(float(n)), p, ALPHA))
    k = np.arange(n + 1.0)
    weight = _prior_weight(ALPHA)
    said = log_mixture(k, np.array(float(n)), p, weight * p, weight * (1 - p)) >= math.log(
        1 / ALPHA
    )
    below, above = k[said & (k < n * p)], k[said & (k > n * p)]
    assert small == (below.max() if len(below) else -1)
    assert large == (above.min() if len(above) else n + 1)


def test_nothing_is_known_of_an_empty_histogram() -> None:
    low, high = quantile_interval(latencies(np.zeros(0)), 0.5, ALPHA)
    assert [float(low), float(high)] == [0.0, np.inf]


def test_values_past_the_last_edge_leave_the_quantile_open_above() -> None:
    low, high = quantile_interval(latencies(np.full(1_000, 60.0)), 0.5, ALPHA)
    assert [float(low), float(high)] == [LATENCY_EDGES_S[-1], np.inf]


@pytest.mark.parametrize("p", [0.5, 0.99])
def test_quantile_is_outside_at_any_time_no_more_often_than_alpha_says(p: float) -> None:
    rng, paths = np.random.default_rng(3), 400
    true = float(np.quantile(drawn_s(rng, 1_000_000), p))
    shares = latencies(drawn_s(rng, 1_000_000)) / 1e6
    steps = np.diff(LOOKS, prepend=0)
    grown = np.array([rng.multinomial(step, shares, paths) for step in steps]).cumsum(axis=0)
    ends = [quantile_interval(each.astype(np.float64), p, ALPHA) for each in grown]
    held = dict(zip(LOOKS.tolist(), ends, strict=True))
    assert ever(lambda at: (held[at].low > true) | (held[at].high < true)) < 0.06
    low, high = ends[-1]
    assert float(np.median(high / low)) < (1.4 if p == 0.5 else 2.5)
