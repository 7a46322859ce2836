"""A small world of requests in which students of every kind are known exactly.

A candidate's log-odds of a click are what its features say plus what the teacher says. A student
sees both, with an error of its own; its slate is the SHOWN candidates that it scores highest.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64, I64
from server.rollout.guardrails.agreement import agreement
from server.rollout.guardrails.counting import score_buckets
from server.rollout.guardrails.layout import SCORE_EDGES

REQUESTS: Final = 4_000
CANDIDATES: Final = 50
SHOWN: Final = 5
TOP_PLACES: Final = 10
BASE: Final = -3.5
OWN_ERROR: Final = 0.3
"""Standard deviation of a good student's log-odds about the truth."""


class World(NamedTuple):
    """`[REQUESTS, CANDIDATES]`."""

    features: F64  # log-odds
    hints: F64
    stable: F64  # log-odds that the stable student gives

    @property
    def truth(self) -> F64:
        return sigmoid(BASE + self.features + self.hints)


Scoring = Callable[[World, np.random.Generator], F64]
"""A student's log-odds."""


class Behaviour(NamedTuple):
    """What requests that one student answers look like, in the mean."""

    clicks: float
    clicks_squared: float
    expected: float  # Σ p over the shown
    expected_error: float  # its standard deviation over requests
    spread: float
    scores: F64  # [B] shares by bucket
    top_k: float


def build(rng: np.random.Generator) -> World:
    features, hints = (rng.normal(0.0, 0.8, (REQUESTS, CANDIDATES)) for _ in range(2))
    return World(features, hints, good(World(features, hints, features), rng))


def good(world: World, rng: np.random.Generator) -> F64:
    # Shrunk, as a calibrated score of noisy evidence is.
    signal = world.features + world.hints
    kept = signal.var() / (signal.var() + OWN_ERROR**2)
    seen: F64 = BASE + kept * (signal + rng.normal(0.0, OWN_ERROR, signal.shape))
    return seen


def behaviour(world: World, log_odds: F64) -> Behaviour:
    p, order = sigmoid(log_odds), np.argsort(-log_odds, axis=1, kind="stable")
    shown = order[:, :SHOWN]
    p_shown, true = (np.take_along_axis(each, shown, axis=1) for each in (p, world.truth))
    clicks, expected = true.sum(axis=1), p_shown.sum(axis=1)
    buckets = np.bincount(score_buckets(p.ravel()), minlength=len(SCORE_EDGES) + 1)
    return Behaviour(
        clicks=float(clicks.mean()),
        clicks_squared=float((clicks**2 + (true * (1.0 - true)).sum(axis=1)).mean()),
        expected=float(expected.mean()),
        expected_error=float(expected.std()),
        spread=float((p_shown * (1.0 - p_shown)).sum(axis=1).mean()),
        scores=buckets / buckets.sum(),
        top_k=_agreed(np.argsort(-world.stable, axis=1), order),
    )


def sigmoid(log_odds: F64) -> F64:
    p: F64 = 1.0 / (1.0 + np.exp(-log_odds))
    return p


def _agreed(one: I64, other: I64) -> float:
    pairs = zip(one[:500].tolist(), other[:500].tolist(), strict=True)
    return float(np.mean([agreement(a, b, TOP_PLACES).share for a, b in pairs]))
