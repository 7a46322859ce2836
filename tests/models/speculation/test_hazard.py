import numpy as np

from models.speculation.foresight import PAUSE_MS, RENEWED_MS, Foresight
from models.speculation.hazard import Hazard
from models.speculation.policy import Computed, Policy, Waits
from models.speculation.return_times import RELEARN
from tests.models.speculation.requests import HOUR_MS, asked_of, valued

DAY_S = 86_400.0
OFTEN, SELDOM = 1, 2


def taught(policy: Policy) -> int:
    """A user who comes back every hour, one who does every three days; until when it was told."""
    for hour in range(RELEARN + 40):
        policy.asked(asked_of(OFTEN, hour * HOUR_MS, [10, 11]))
        if hour % 72 == 0:
            policy.asked(asked_of(SELDOM, hour * HOUR_MS + 1, [10, 11]))
    now_ms = (RELEARN + 40) * HOUR_MS
    policy.wishes(now_ms, 1_000)
    return now_ms


def waits_of(user: int, now_ms: int) -> Waits:
    return Waits(user, np.array([10, 11]), np.array([now_ms, now_ms]))


def test_the_user_who_is_due_is_worth_more_than_the_one_who_stays_away() -> None:
    policy = Hazard(DAY_S)
    now_ms = taught(policy)
    due, away = (policy.values(waits_of(user, now_ms), now_ms) for user in (OFTEN, SELDOM))
    assert (due > 5.0 * away).all()


def test_what_was_offered_again_every_time_is_worth_more_than_what_was_once() -> None:
    policy = Hazard(DAY_S)
    now_ms = taught(policy)
    policy.asked(asked_of(OFTEN, now_ms, [11, 30]))
    policy.asked(asked_of(OFTEN, now_ms + HOUR_MS, [11]))
    waits = Waits(OFTEN, np.array([11, 30]), np.array([now_ms, now_ms]))
    again, once = policy.values(waits, now_ms + HOUR_MS + 1)
    assert again > once


def test_an_entry_that_will_outlive_the_return_leaves_little_to_gain() -> None:
    policy = Hazard(DAY_S)
    now_ms = taught(policy)
    policy.computed(Computed(OFTEN, np.array([10]), now_ms))
    held, missing = policy.values(waits_of(OFTEN, now_ms), now_ms + 1)
    assert held < 0.2 * missing


def test_a_users_own_requests_are_what_is_wished_for() -> None:
    policy = Hazard(DAY_S)
    now_ms = taught(policy)
    policy.asked(asked_of(OFTEN, now_ms, [10, 12]))
    assert set(valued(policy.wishes(now_ms + 1, 10))) == {(OFTEN, 10), (OFTEN, 11), (OFTEN, 12)}


def test_of_more_users_than_are_kept_the_latest_are() -> None:
    policy = Hazard(DAY_S, users=4)
    for request in range(40):
        policy.asked(asked_of(request % 4, request * 1_000, [1]))
    for user in range(4, 9):
        policy.asked(asked_of(user, 36_000 + user * 1_000, [1]))
    assert set(valued(policy.wishes(45_000, 100))) == {(user, 1) for user in range(5, 9)}
    assert policy.values(waits_of(0, 0), 45_000).tolist() == [0.0, 0.0]


def test_foresight_offers_a_beginning_session_what_others_were_offered_next() -> None:
    policy = Foresight(DAY_S)
    for user in range(100, 400):
        now_ms = user * RENEWED_MS
        policy.asked(asked_of(user, now_ms, [user]))
        policy.wishes(now_ms + 1_000, 1_000)
        policy.asked(asked_of(user, now_ms + 60_000, [10, 11]))
    policy.asked(asked_of(3, now_ms + RENEWED_MS, [40]))
    found = valued(policy.wishes(now_ms + RENEWED_MS + 1_000, 1_000))
    assert min(found[3, 10], found[3, 11]) > found.get((3, 350), 0.0)


def test_foresight_trusts_demand_within_a_session() -> None:
    policy = Foresight(DAY_S)
    now_ms = taught(policy) + RENEWED_MS
    for request in range(2):
        policy.asked(asked_of(3, now_ms + request * PAUSE_MS // 2, [40]))
    wished = valued(policy.wishes(now_ms + PAUSE_MS // 2 + 1, 1_000))
    assert [pair for user, pair in wished if user == 3] == [40]


def test_foresight_prefers_what_the_student_ranks_high() -> None:
    policy = Foresight(DAY_S)
    now_ms = taught(policy)
    policy.asked(asked_of(OFTEN, now_ms, [50, 51], scores=[0.9, 0.1]))
    found = valued(policy.wishes(now_ms + 1, 10))
    assert found[OFTEN, 50] > found[OFTEN, 51]
