"""What the clicks on the stable lane's answers say of a student that has answered nobody."""

from collections.abc import Callable
from typing import Final

import numpy as np
import pytest

from models.features.records import F64, U64
from server.rollout.evidence.merging import CANARY, STABLE
from server.rollout.guardrails.attribution import Attribution, Slate
from server.rollout.guardrails.counting import count_settled
from server.rollout.guardrails.outcomes import calibration
from server.rollout.guardrails.sums import Sums
from server.rollout.plan import RolloutPlan

MEAN: Final = -3.0
"""Log-odds of a click. Users click as the stable student says."""
CANDIDATES, SLATE = 50, 10
Student = Callable[[F64, np.random.Generator], F64]


def scaled(by: float) -> Student:
    return lambda log_odds, rng: np.clip(by * chance(log_odds), 0.0, 0.999)


def inverted(log_odds: F64, rng: np.random.Generator) -> F64:
    return chance(2.0 * MEAN - log_odds)


def by_chance(log_odds: F64, rng: np.random.Generator) -> F64:
    return chance(rng.permutation(log_odds))


def chance(log_odds: F64) -> F64:
    return 1.0 / (1.0 + np.exp(-log_odds))


def shadowed(student: Student, answers: int, seed: int) -> bool:
    """Whether calibration rolls it back at the end of as many answers."""
    rng, attribution = np.random.default_rng(seed), Attribution(1.0, is_all_shown=True, lanes=2)
    sums = {STABLE: Sums(), CANARY: Sums()}
    for number in range(answers):
        user = f"user-{rng.integers(2000)}"
        log_odds = rng.normal(MEAN, 1.0, CANDIDATES)
        best = np.argsort(-log_odds)[:SLATE]
        keys: U64 = np.arange(1, SLATE + 1, dtype=np.uint64)
        held = attribution.show(Slate(user, number, keys, None), float(number))
        assert held is not None
        held.scores[STABLE] = chance(log_odds)[best].astype(np.float32)
        held.scores[CANARY] = student(log_odds, rng)[best].astype(np.float32)
        for place in np.flatnonzero(rng.random(SLATE) < held.scores[STABLE]).tolist():
            attribution.click(user, int(keys[place]), number)
        for outcome in attribution.settle(number + 1e6):
            count_settled(sums[outcome.lane], outcome.settled)
    plan = RolloutPlan(shadow_s=1200.0, attribution_s=600.0).shadow_guardrails
    found = calibration(sums[STABLE], sums[CANARY], plan, plan.alpha_of("calibration"))
    return bool(found.breached)


@pytest.mark.parametrize(
    ("student", "answers"),
    [
        (scaled(2.0), 300),
        (scaled(0.5), 300),
        (scaled(1.5), 1200),
        (scaled(0.67), 1200),
        (inverted, 300),
        (by_chance, 300),
    ],
    ids=["times 2", "times 0.5", "times 1.5", "times 0.67", "inverted", "by chance"],
)
def test_student_that_expects_other_clicks_is_found_before_it_answers(
    student: Student, answers: int
) -> None:
    assert all(shadowed(student, answers, seed) for seed in range(3))


@pytest.mark.parametrize("by", [1.0, 1.2], ids=["alike", "within the margin"])
def test_student_that_expects_what_comes_is_left_alone(by: float) -> None:
    assert not any(shadowed(scaled(by), 600, seed) for seed in range(3))
