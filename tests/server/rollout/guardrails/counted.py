"""Lanes of known figures, as sums."""

import numpy as np

from models.features.records import F64
from server.rollout.guardrails.layout import (
    ANSWERED,
    CLICKS,
    CLICKS_SQUARED,
    COMPARED,
    EXPECTED,
    GROUPS,
    HINTED,
    HINTED_SQUARED,
    LATENCY_EDGES_S,
    RATIO_EDGES,
    RATIOS,
    REQUESTS,
    SCORE_EDGES,
    SCORES,
    SETTLED,
    SPREAD,
    TOP_K,
    TOTAL,
    VALUE,
    VALUE_SQUARED,
)
from server.rollout.guardrails.sums import Sums


def counted(
    requests: int = 20_000,
    slower: float = 1.0,
    ctr: float = 0.2,
    expected: float = 0.2,
    coverage: float = 0.5,
    score: float = -3.0,
    top_k: float = 0.8,
    seed: int = 0,
) -> Sums:
    """A lane in which each request shows one candidate, worth 1 when clicked."""
    rng, sums = np.random.default_rng(seed), Sums()
    sums.one(REQUESTS)[...] = requests
    ratios, totals = (slower * rng.lognormal(0.0, 0.3, requests) for _ in range(2))
    sums.many(RATIOS)[...] = histogram(ratios, RATIO_EDGES)
    sums.many(TOTAL)[...] = latencies(5e-3 * totals)
    places = np.searchsorted(SCORE_EDGES, rng.normal(score, 1.0, requests))
    sums.many(SCORES)[...] = np.bincount(places, minlength=len(SCORE_EDGES) + 1)
    sums.one(COMPARED)[...] = requests // 10
    sums.one(TOP_K)[...] = top_k * (requests // 10)
    _count_users(sums, requests, ctr, expected, coverage, rng)
    return sums


def latencies(seconds: F64) -> F64:
    return histogram(seconds, LATENCY_EDGES_S)


def histogram(values: F64, edges: F64) -> F64:
    places = np.searchsorted(edges, values)
    return np.bincount(places, minlength=len(edges) + 1).astype(np.float64)


def _count_users(
    sums: Sums,
    requests: int,
    ctr: float,
    expected: float,
    coverage: float,
    rng: np.random.Generator,
) -> None:
    users = rng.multinomial(requests, np.full(GROUPS, 1.0 / GROUPS))
    clicks, hinted = rng.binomial(users, ctr), rng.binomial(users, coverage)
    columns = {
        ANSWERED: users,
        HINTED: hinted,
        SETTLED: users,
        CLICKS: clicks,
        VALUE: clicks,
        EXPECTED: users * expected,
    }
    for column, values in columns.items():
        sums.grouped(column)[...] = values
    sums.one(CLICKS_SQUARED)[...] = sums.one(VALUE_SQUARED)[...] = clicks.sum()
    sums.one(HINTED_SQUARED)[...] = hinted.sum()
    sums.one(SPREAD)[...] = requests * expected * (1.0 - expected)
