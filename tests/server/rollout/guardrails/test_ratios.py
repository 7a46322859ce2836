"""Ratios of sums whose users are not alike."""

import numpy as np
import pytest

from models.features.records import F64
from server.rollout.guardrails.layout import GROUPS
from server.rollout.guardrails.ratios import Ratio, change, mean, ratio
from tests.server.rollout.guardrails.paths import LOOKS, ever

ALPHA = 0.05
CTR = 0.2


def grown(rng: np.random.Generator, paths: int, multiple: int = 1) -> tuple[F64, F64]:
    """`[looks, paths, GROUPS]` clicks and requests, of groups of users that click differently."""
    factors = np.clip(rng.normal(1.0, 0.25, (paths, GROUPS)), 0.0, None)
    steps = multiple * np.diff(LOOKS, prepend=0)
    shares = np.full(GROUPS, 1.0 / GROUPS)
    requests = np.array([rng.multinomial(step, shares, paths) for step in steps]).astype(np.float64)
    clicks = rng.binomial(requests.astype(np.int64), np.clip(CTR * factors, 0.0, 1.0))
    return clicks.cumsum(axis=0).astype(np.float64), requests.cumsum(axis=0)


def rate(clicks: F64, requests: F64) -> Ratio:
    return mean(clicks, requests, clicks.sum(axis=-1))


def test_variance_is_that_of_many_draws_where_users_differ() -> None:
    clicks, requests = grown(np.random.default_rng(0), 500)
    found = rate(clicks[-1], requests[-1])
    independent = CTR * (1.0 - CTR) / float(LOOKS[-1])
    assert found.value.var() > 1.5 * independent
    assert float(found.variance.mean()) == pytest.approx(float(found.value.var()), rel=0.25)


def test_change_is_outside_at_any_time_no_more_often_than_alpha_says() -> None:
    rng, first = np.random.default_rng(1), 20  # where some hundred requests are in
    ours, theirs = grown(rng, 250), grown(rng, 250, multiple=9)
    ends = {
        at: change(rate(ours[0][i], ours[1][i]), rate(theirs[0][i], theirs[1][i]), 1.0, ALPHA)
        for i, at in enumerate(LOOKS.tolist())
    }
    start = int(LOOKS[first])
    missed = ever(lambda at: ((ends[at].low > 0.0) | (ends[at].high < 0.0)) & (at >= start))
    assert missed < 0.06
    assert float(np.median(ends[int(LOOKS[-1])].high)) < 0.4


def test_lane_without_a_click_is_as_uncertain_as_the_other_one() -> None:
    requests = np.full(GROUPS, 10.0)
    none = rate(np.zeros(GROUPS), requests)
    stable = rate(np.full(GROUPS, 20.0), np.full(GROUPS, 100.0))
    found = change(none, stable, 1.0, ALPHA)
    assert none.variance == 0.0
    assert found.value == -1.0
    assert found.high - found.value > 0.2


def test_twice_the_clicks_are_a_change_of_one() -> None:
    weights = np.full(GROUPS, 1e4)
    ours, theirs = (ratio(weights * r, weights, np.array(1e5)) for r in (0.4, 0.2))
    found = change(ours, theirs, 1.0, ALPHA)
    assert found.value == pytest.approx(1.0)
    assert 0.9 < found.low < 1.0 < found.high < 1.1


def test_nothing_is_known_where_nothing_was_counted() -> None:
    empty = rate(np.zeros(GROUPS), np.zeros(GROUPS))
    full = rate(np.full(GROUPS, 2.0), np.full(GROUPS, 10.0))
    for pair in ((empty, full), (full, empty), (empty, empty)):
        found = change(*pair, 1.0, ALPHA)
        assert [float(found.low), float(found.high)] == [-np.inf, np.inf]
