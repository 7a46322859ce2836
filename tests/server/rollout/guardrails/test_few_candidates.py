"""Orders of few candidates: what the shadow's word on them is worth."""

from collections.abc import Callable

import numpy as np
import pytest

from models.features.records import F64
from server.rollout.guardrails.agreement import agreement
from server.rollout.guardrails.counting import count_shadow
from server.rollout.guardrails.layout import REQUESTS
from server.rollout.guardrails.sums import Sums
from server.rollout.guardrails.verdict import Verdict, judge
from server.rollout.plan import DEFAULT

MANY = 4_000
SHORTEST = 300
"""Requests: a shadow of 60 s, at 50 requests a second in all."""
Student = Callable[[F64, np.random.Generator], F64]
"""What it scores where the stable one scores that."""


def inverted(stable: F64, rng: np.random.Generator) -> F64:
    return -stable


def random(stable: F64, rng: np.random.Generator) -> F64:
    found: F64 = rng.normal(size=stable.shape)
    return found


def as_good(stable: F64, rng: np.random.Generator) -> F64:
    """As far from the stable one as that is from the truth: by half a standard deviation."""
    found: F64 = stable + rng.normal(0.0, 0.5 * np.sqrt(2.0), stable.shape)
    return found


def shadowed(student: Student, candidates: list[int], requests: int) -> Verdict:
    rng, sums = np.random.default_rng(sum(candidates)), Sums()
    for count in rng.choice(candidates, requests):
        stable = rng.normal(size=count)
        orders = [np.argsort(-each).tolist() for each in (stable, student(stable, rng))]
        count_shadow(sums, agreement(orders[0], orders[1], DEFAULT.top_k))
    sums.one(REQUESTS)[...] = requests
    return judge(Sums(), sums, DEFAULT.shadow_guardrails)


@pytest.mark.parametrize("candidates", [[count] for count in range(4, 20)])
def test_inverted_order_is_stopped_in_the_shortest_shadow(candidates: list[int]) -> None:
    verdict = shadowed(inverted, candidates, SHORTEST)
    assert (verdict.kind, verdict.by) == ("rollback", "agreement")


@pytest.mark.parametrize("candidates", [[8], [9], [10], [11], [12], [8, 9, 10, 11, 12], [30]])
def test_order_by_chance_is_stopped(candidates: list[int]) -> None:
    verdict = shadowed(random, candidates, MANY)
    assert (verdict.kind, verdict.by) == ("rollback", "agreement")


@pytest.mark.parametrize("candidates", [[4], [5], [8], [10], [12], [8, 9, 10, 11, 12], [50]])
@pytest.mark.parametrize("requests", [SHORTEST, MANY])
def test_order_as_good_passes(candidates: list[int], requests: int) -> None:
    assert shadowed(as_good, candidates, requests).by is None


def test_requests_of_few_candidates_do_not_hide_an_inverted_order_of_many() -> None:
    few = shadowed(inverted, [1, 2, 3], MANY)
    assert (few.by, few.figures["agreement"].harm) == (None, 0.0)
    assert shadowed(inverted, [1, 1, 1, 2, 2, 3, 3, 3, 10], MANY).by == "agreement"
