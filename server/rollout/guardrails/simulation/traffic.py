"""The traffic of one lane, as sums, for many rollouts at once.

Requests are not independent: users differ in how much they click, in how often they come and in
their coverage, and stay in their lane; load makes both lanes slow at the same time.
"""

from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64, I64, Mask
from server.rollout.guardrails.layout import (
    ANSWERED,
    CLICKS,
    CLICKS_SQUARED,
    COMPARED,
    CONSTANT,
    DEGRADATIONS,
    ERRORS,
    EXPECTED,
    GROUPS,
    HINTED,
    HINTED_SQUARED,
    IMPRESSIONS,
    LATENCY_EDGES_S,
    NAN,
    RATIO_EDGES,
    RATIOS,
    REQUESTS,
    SCORES,
    SETTLED,
    SPREAD,
    TOP_K,
    TOTAL,
    VALUE,
    VALUE_SQUARED,
    WIDTH,
)
from server.rollout.guardrails.simulation.students import Student
from server.rollout.guardrails.simulation.world import SHOWN, TOP_PLACES, Behaviour
from server.rollout.guardrails.sums import Sums

USER_SPREAD: Final = 0.7
"""Standard deviation of a user's clicks, as a share of the mean."""
REQUESTS_A_USER: Final = 5.0
DEGRADED_RATES: Final = (0.05, 0.02, 0.0005, 0.01, 0.005)
COVERAGE: Final = 0.6
COVERAGE_ERROR: Final = 0.3
DRAWS: Final = 200_000
RATIO_ERROR: Final = 0.25
VALUE_SHAPE: Final = 0.5
"""Of a gamma distribution with mean 1: a click's value has √2 of its mean as standard deviation."""


class Latency(NamedTuple):
    """Shares by bucket, `[buckets]`."""

    calm: F64
    busy: F64


class Lane(NamedTuple):
    """One student's traffic in `[rollouts]`."""

    student: Student
    behaviour: Behaviour
    ratios: F64  # shares of its model's time ÷ the stable one's, by bucket
    total: Latency
    factors: F64  # [rollouts, GROUPS] of clicks, by the users that are in the lane
    covered: F64  # [rollouts, GROUPS] of coverage
    scores: F64  # [rollouts, B]

    def kept(self, rollouts: Mask) -> "Lane":
        per_rollout = (self.factors, self.covered, self.scores)
        factors, covered, scores = (each[rollouts] for each in per_rollout)
        return self._replace(factors=factors, covered=covered, scores=scores)


def lane(
    student: Student, behaviour: Behaviour, requests: int, rollouts: int, rng: np.random.Generator
) -> Lane:
    """Of so many `requests` in the whole rollout, which make its number of users."""
    users = max(requests / REQUESTS_A_USER, GROUPS)
    error = 1.0 / np.sqrt(users / GROUPS)
    shape = (rollouts, GROUPS)
    factors = rng.gamma((USER_SPREAD * error) ** -2, (USER_SPREAD * error) ** 2, shape)
    covered = np.clip(COVERAGE + rng.normal(0.0, COVERAGE_ERROR * error, shape), 0.0, 1.0)
    scores = rng.dirichlet(behaviour.scores * users + 1e-6, rollouts)
    ratios, total = _ratios(student.inference, rng), _latency(student.inference, rng)
    return Lane(student, behaviour, ratios, total, factors, covered, scores)


def drawn(
    lane: Lane, requests: int, settled: int, busy: F64, shadowed: int, rng: np.random.Generator
) -> Sums:
    """`[rollouts, WIDTH]`; `busy` is the share of requests that come under load. Of those that are
    shadowed nobody waited for the answer."""
    sums = Sums(np.zeros((len(busy), WIDTH)))
    answered = _count_requests(sums, lane, requests, rng)
    if not shadowed:
        shares = busy[:, None] * lane.total.busy + (1.0 - busy[:, None]) * lane.total.calm
        sums.many(TOTAL)[...] = rng.multinomial(answered, shares)
    scored = answered - sums.one(NAN).astype(np.int64)
    sums.many(SCORES)[...] = rng.multinomial(scored, lane.scores)
    _count_coverage(sums, lane, answered, rng)
    _count_outcomes(sums, lane, settled, rng)
    _count_shadows(sums, lane, shadowed, rng)
    return sums


def _count_requests(sums: Sums, lane: Lane, requests: int, rng: np.random.Generator) -> I64:
    """Returns those that were answered."""
    rollouts, student = len(sums.held), lane.student
    failed = rng.binomial(requests, student.error_rate, rollouts)
    answered = requests - failed
    sums.one(REQUESTS)[...] = requests
    sums.one(ERRORS)[...] = failed
    sums.one(NAN)[...] = rng.binomial(answered, student.nan_share)
    sums.one(CONSTANT)[...] = rng.binomial(answered, student.constant_share)
    sums.many(DEGRADATIONS)[...] = rng.binomial(answered[:, None], DEGRADED_RATES)
    return answered


def _count_coverage(
    sums: Sums,
    lane: Lane,
    answered: I64,
    rng: np.random.Generator,
) -> None:
    counts = rng.multinomial(answered, np.full(GROUPS, 1.0 / GROUPS))
    noise = COVERAGE_ERROR * np.sqrt(counts) * rng.normal(size=counts.shape)
    hinted = np.clip(counts * lane.covered + noise, 0.0, counts)
    sums.grouped(ANSWERED)[...] = counts
    sums.grouped(HINTED)[...] = hinted
    sums.one(HINTED_SQUARED)[...] = (counts * (lane.covered**2 + COVERAGE_ERROR**2)).sum(axis=1)


def _count_outcomes(sums: Sums, lane: Lane, settled: int, rng: np.random.Generator) -> None:
    told, rollouts = lane.behaviour, len(sums.held)
    counts = rng.multinomial(settled, np.full(GROUPS, 1.0 / GROUPS), rollouts)
    clicks = rng.poisson(counts * lane.factors * told.clicks)
    value = rng.gamma(VALUE_SHAPE * clicks, 1.0 / VALUE_SHAPE)
    # A student knows half of what makes users differ.
    known = counts * told.expected * (1.0 + 0.5 * (lane.factors - 1.0))
    noise = told.expected_error * np.sqrt(counts) * rng.normal(size=counts.shape)
    columns = {SETTLED: counts, CLICKS: clicks, VALUE: value, EXPECTED: known + noise}
    for column, values in columns.items():
        sums.grouped(column)[...] = np.maximum(values, 0.0)
    squared = clicks.sum(axis=1) * told.clicks_squared / max(told.clicks, 1e-9)
    sums.one(CLICKS_SQUARED)[...] = squared
    sums.one(VALUE_SQUARED)[...] = squared + clicks.sum(axis=1) / VALUE_SHAPE
    sums.one(SPREAD)[...] = settled * told.spread
    sums.one(IMPRESSIONS)[...] = settled * SHOWN


def _count_shadows(sums: Sums, lane: Lane, count: int, rng: np.random.Generator) -> None:
    """As if the first places agreed one by one."""
    told = lane.behaviour
    sums.one(COMPARED)[...] = count
    sums.many(RATIOS)[...] = rng.multinomial(count, lane.ratios, len(sums.held))
    places = TOP_PLACES * count
    sums.one(TOP_K)[...] = rng.binomial(places, told.top_k, len(sums.held)) / TOP_PLACES


def _latency(factor: float, rng: np.random.Generator) -> Latency:
    """Busy requests take 1.8 times as long, and vary more."""
    inference = factor * 2e-3 * rng.lognormal(0.0, 0.3, DRAWS)
    total = inference + 3e-3 * rng.lognormal(0.0, 0.5, DRAWS)
    slower = 1.8 * rng.lognormal(0.0, 0.3, DRAWS)
    return Latency(_shares(total, LATENCY_EDGES_S), _shares(total * slower, LATENCY_EDGES_S))


def _ratios(factor: float, rng: np.random.Generator) -> F64:
    """Of one request's times, one after the other: each is off by what else the machine did."""
    return _shares(factor * rng.lognormal(0.0, RATIO_ERROR, DRAWS), RATIO_EDGES)


def _shares(values: F64, edges: F64) -> F64:
    places = np.searchsorted(edges, values)
    return np.bincount(places, minlength=len(edges) + 1) / len(values)
