"""The simulated rollouts: harm is caught, its absence is not punished, and draws are repeatable."""

import numpy as np
import pytest

from server.rollout.guardrails.plan import Plan
from server.rollout.guardrails.simulation.rollouts import looks, tried
from server.rollout.guardrails.simulation.stages import stages_of
from server.rollout.guardrails.simulation.students import ALIKE, STUDENTS
from server.rollout.plan import SHADOWED, RolloutPlan

RATE = 50.0
PLAN = RolloutPlan(
    steps=(0.05, 0.5, 1.0),
    least_s=20.0,
    attribution_s=55.0,
    guardrails=Plan(fewest_requests=500, most_requests=2_000),
)
SHADOW, FIRST, SECOND, LAST = STAGES = stages_of(PLAN, RATE)


def test_student_like_the_stable_one_goes_through_all_stages() -> None:
    outcome = tried(ALIKE, 10, STAGES, seed=0)
    assert not outcome.is_caught.any()
    assert (outcome.requests[:, 0] == SHADOW.most).all()
    assert (outcome.requests[:, 1:3] >= 500).all()
    assert (outcome.requests[:, 3] == LAST.least).all()
    assert outcome.proven["total_p50"][1] > 0.7


@pytest.mark.parametrize(
    "name", ["inverted", "NaN in 5 % of requests", "constant", "slow, +50 % inference"]
)
def test_what_a_shadow_can_tell_never_gets_traffic(name: str) -> None:
    outcome = tried(name, 4, STAGES, seed=0)
    assert (outcome.caught_in == 0).all()
    assert (outcome.requests[:, 1:] == 0).all()


def test_what_only_answers_tell_is_caught_at_the_first_step() -> None:
    outcome = tried("wrong space, hints random", 4, STAGES, seed=0)
    assert (outcome.caught_in == 1).mean() > 0.7
    assert outcome.by.total() == outcome.is_caught.sum()


def test_same_seed_gives_the_same_outcome() -> None:
    one, other = (tried("inverted", 5, STAGES, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.requests, other.requests)


def test_looks_come_in_order_and_end_with_the_last_request() -> None:
    times = looks(1_200)
    assert (np.diff(times) > 0).all()
    assert times[-1] == 1_200


def test_stages_are_the_plans() -> None:
    assert [stage.share for stage in STAGES] == [0.0, 0.05, 0.5, 1.0]
    assert [stage.others for stage in STAGES] == pytest.approx([1.0, 2.0, 1.0, 0.0])
    assert [stage.least for stage in STAGES] == [300, 50, 500, 1_000]
    assert [stage.settling for stage in STAGES] == [None, 150, 1_500, 3_000]


def test_alphas_of_all_stages_add_up_to_no_more_than_the_plans() -> None:
    spent = [
        sum(stage.guardrails.alpha_of(name) for name in SHADOWED)
        if stage.shadowed
        else stage.guardrails.alpha / stage.guardrails.ramp_steps
        for stage in STAGES
        if stage.is_compared
    ]
    assert sum(spent) <= PLAN.guardrails.alpha + 1e-12


def test_every_student_has_a_name_of_its_own() -> None:
    assert len(STUDENTS) == 10
