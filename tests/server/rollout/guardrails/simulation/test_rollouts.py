"""The simulated rollouts: harm is caught, its absence is not punished, and draws are repeatable."""

import numpy as np
import pytest

from server.rollout.guardrails.layout import CLICKS, ERRORS, REQUESTS, SETTLED
from server.rollout.guardrails.plan import Plan
from server.rollout.guardrails.simulation.rollouts import looks, tried
from server.rollout.guardrails.simulation.students import STUDENTS
from server.rollout.guardrails.simulation.traffic import drawn, lane
from server.rollout.guardrails.simulation.world import behaviour, build

PLAN = Plan(fewest_requests=500, most_requests=1_200)
ALIKE, *HARMFUL = STUDENTS


def test_student_like_the_stable_one_is_left_alone() -> None:
    outcome = tried(ALIKE, 10, PLAN, seed=0)
    assert np.isinf(outcome.caught_at).all()
    assert outcome.proven["total_p50"] > 0.7


@pytest.mark.parametrize(
    "name",
    ["inverted", "slow, +50 % inference", "NaN in 5 % of requests", "wrong space, hints random"],
)
def test_harmful_student_is_rolled_back(name: str) -> None:
    outcome = tried(name, 4, PLAN, seed=0)
    assert np.isfinite(outcome.caught_at).mean() > 0.7
    assert outcome.by.total() == np.isfinite(outcome.caught_at).sum()


def test_same_seed_gives_the_same_outcome() -> None:
    one, other = (tried(HARMFUL[1], 5, PLAN, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.caught_at, other.caught_at)


def test_looks_come_in_order_and_end_with_the_last_request() -> None:
    times = looks(PLAN)
    assert (np.diff(times) > 0).all()
    assert times[-1] == PLAN.most_requests


def test_students_are_what_they_are_called() -> None:
    rng = np.random.default_rng(0)
    world = build(rng)
    good, told = (
        behaviour(world, world.stable),
        {name: behaviour(world, student.scoring(world, rng)) for name, student in STUDENTS.items()},
    )
    assert good.top_k == 1.0
    assert good.expected == pytest.approx(good.clicks, rel=0.1)
    assert told["probabilities doubled"].expected > 1.7 * good.clicks
    assert told["inverted"].clicks < 0.2 * good.clicks
    permuted = told["wrong feature order, scores permuted"]
    assert permuted.top_k == pytest.approx(0.2, abs=0.03)  # 10 of 50 candidates
    assert permuted.clicks < told["wrong space, hints random"].clicks < good.clicks


def test_traffic_has_the_figures_of_its_student() -> None:
    rng = np.random.default_rng(0)
    world = build(rng)
    told, student = behaviour(world, world.stable), STUDENTS["failing, 1 % errors"]
    traffic = lane(student, told, 20_000, 50, rng)
    sums = drawn(traffic, 20_000, 10_000, np.full(50, 0.2), 100, rng)
    assert (sums.one(REQUESTS) == 20_000).all()
    assert float(sums.one(ERRORS).mean()) == pytest.approx(200, rel=0.1)
    settled = sums.grouped(SETTLED).sum(axis=-1)
    clicks = sums.grouped(CLICKS).sum(axis=-1)
    assert (settled == 10_000).all()
    assert float((clicks / settled).mean()) == pytest.approx(told.clicks, rel=0.03)
