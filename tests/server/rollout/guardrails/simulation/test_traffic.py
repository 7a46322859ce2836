"""Students are what they are called, and their traffic has their figures."""

import numpy as np
import pytest

from server.rollout.guardrails.layout import CLICKS, ERRORS, REQUESTS, SETTLED
from server.rollout.guardrails.simulation.students import STUDENTS
from server.rollout.guardrails.simulation.traffic import drawn, lane
from server.rollout.guardrails.simulation.world import behaviour, build


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
    assert told["probabilities halved"].expected == pytest.approx(0.5 * good.clicks, rel=0.1)
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
