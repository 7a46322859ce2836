import numpy as np

from models.speculation.policy import Computed, Waits
from models.speculation.student_score import HOURS_MS, RANKED, StudentScore
from tests.models.speculation.requests import HOUR_MS, asked_of, valued

DAY_S = 86_400.0


def test_pairs_are_worth_their_scores_halved_every_hour() -> None:
    policy = StudentScore(DAY_S)
    policy.asked(asked_of(1, 0, [5, 6], scores=[0.25, 0.75]))
    assert valued(policy.wishes(0, 10)) == {(1, 5): 0.25, (1, 6): 0.75}
    waits = Waits(1, np.array([5, 6, 7]), np.array([0, 0, 0]))
    np.testing.assert_allclose(policy.values(waits, HOUR_MS), [0.125, 0.375, 0.0])


def test_only_the_best_of_a_user_are_wished_for() -> None:
    policy = StudentScore(DAY_S)
    scores = np.linspace(0.1, 0.9, RANKED + 10)
    policy.asked(asked_of(1, 0, range(RANKED + 10), scores=scores.tolist()))
    assert sorted(policy.wishes(0, 1_000).pair) == list(range(10, RANKED + 10))


def test_older_pairs_return_when_a_session_begins_and_not_within_one() -> None:
    policy = StudentScore(DAY_S)
    policy.asked(asked_of(1, 0, [5]))
    begins_ms = HOURS_MS + HOUR_MS
    policy.asked(asked_of(1, begins_ms, [6]))
    assert set(valued(policy.wishes(begins_ms, 10))) == {(1, 5), (1, 6)}
    policy.asked(asked_of(1, begins_ms + 1_000, [6]))
    assert set(valued(policy.wishes(begins_ms + 1_000, 10))) == {(1, 6)}


def test_a_live_entry_is_not_wished_for() -> None:
    policy = StudentScore(DAY_S)
    policy.asked(asked_of(1, 0, [5, 6]))
    policy.computed(Computed(1, np.array([6]), 0))
    assert set(valued(policy.wishes(1_000, 10))) == {(1, 5)}
