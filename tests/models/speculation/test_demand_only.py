import numpy as np

from models.speculation.demand_only import MAX_REQUESTS, DemandOnly
from models.speculation.policy import HIT, MISS, STALE, Waits
from tests.models.speculation.requests import asked_of, valued


def test_what_was_missed_or_stale_is_wished_for_and_no_hit() -> None:
    policy = DemandOnly()
    policy.asked(asked_of(7, 0, [1, 2, 3], standing=[HIT, STALE, MISS]))
    assert sorted(valued(policy.wishes(1_000, 10))) == [(7, 2), (7, 3)]


def test_demand_is_handed_over_once() -> None:
    policy = DemandOnly()
    policy.asked(asked_of(7, 0, [1]))
    assert len(policy.wishes(1_000, 10).pair) == 1
    assert len(policy.wishes(2_000, 10).pair) == 0


def test_a_limit_leaves_the_best_scored_of_a_request() -> None:
    policy = DemandOnly()
    policy.asked(asked_of(7, 0, [1, 2, 3], scores=[0.1, 0.9, 0.5]))
    assert sorted(valued(policy.wishes(1_000, 2))) == [(7, 2), (7, 3)]


def test_newer_demand_is_worth_more() -> None:
    waits = Waits(7, np.array([1, 2]), np.array([0, 5_000]))
    older, newer = DemandOnly().values(waits, 10_000)
    assert newer > older


def test_what_is_kept_between_plans_is_bounded() -> None:
    policy = DemandOnly()
    for request in range(MAX_REQUESTS + 5):
        policy.asked(asked_of(request, request, [1]))
    assert len(policy.wishes(MAX_REQUESTS, 10 * MAX_REQUESTS).pair) == MAX_REQUESTS
