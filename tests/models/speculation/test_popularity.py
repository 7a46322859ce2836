import numpy as np

from models.speculation.policy import Computed
from models.speculation.popularity import HALF_LIFE_MS, RENEWED_MS, Popularity
from tests.models.speculation.requests import asked_of, valued

DAY_S = 86_400.0


def test_a_user_is_wished_what_others_ask_for_most() -> None:
    policy = Popularity(DAY_S)
    for request in range(20):
        policy.asked(asked_of(request, request, [1, 2] if request % 4 else [1, 3]))
    policy.wishes(30, 10_000)
    policy.asked(asked_of(99, RENEWED_MS, [3]))
    found = valued(policy.wishes(RENEWED_MS + 1_000, 10))
    assert set(found) == {(99, 1), (99, 2), (99, 3)}
    assert found[99, 1] > found[99, 2] > found[99, 3]


def test_activity_is_halved_in_a_half_life() -> None:
    policy = Popularity(DAY_S)
    policy.asked(asked_of(1, 0, [5]))
    [early] = valued(policy.wishes(0, 10)).values()
    policy.asked(asked_of(2, int(HALF_LIFE_MS), [5]))
    policy.asked(asked_of(1, int(HALF_LIFE_MS), [5]))
    late = valued(policy.wishes(int(HALF_LIFE_MS), 10))
    assert np.isclose(late[1, 5] / late[2, 5], 1.5)
    assert early > 0


def test_a_live_entry_is_not_wished_for_again() -> None:
    policy = Popularity(DAY_S)
    policy.asked(asked_of(1, 0, [5, 6]))
    policy.computed(Computed(1, np.array([5]), 1_000))
    assert set(valued(policy.wishes(2_000, 10))) == {(1, 6)}
    policy.asked(asked_of(1, 86_402_000, [6]))
    assert set(valued(policy.wishes(86_403_000, 10))) == {(1, 5), (1, 6)}
