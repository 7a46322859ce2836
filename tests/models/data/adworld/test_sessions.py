import numpy as np

from models.data.adworld.ads import DAY_MS
from models.data.adworld.sessions import Calls, schedule


def made(seed: int = 0, users: int = 200, calls: int = 6_000, days: int = 5) -> Calls:
    activity = np.arange(1.0, users + 1)
    return schedule(np.random.default_rng(seed), activity / activity.sum(), calls, days)


def test_calls_are_in_order_and_as_many_as_asked_for() -> None:
    calls = made()
    assert len(calls.user) == 6_000
    assert (np.diff(calls.time_ms) >= 0).all()
    assert calls.time_ms[0] >= 0
    assert calls.time_ms[-1] < 5 * DAY_MS


def test_a_session_is_one_users_calls_in_steps() -> None:
    calls = made()
    order = np.lexsort((calls.step, calls.session))
    session, step = calls.session[order], calls.step[order]
    same = np.diff(session) == 0
    assert (np.diff(calls.user[order])[same] == 0).all()
    assert (np.diff(step)[same] == 1).all()
    gap_ms = np.diff(calls.time_ms[order])[same]
    assert gap_ms.min() > 0
    assert gap_ms.max() < 600_000


def test_a_users_sessions_lie_more_than_ten_minutes_apart() -> None:
    calls = made()
    order = np.lexsort((calls.time_ms, calls.user))
    user, session, time_ms = (
        column[order] for column in (calls.user, calls.session, calls.time_ms)
    )
    between = (np.diff(user) == 0) & (np.diff(session) != 0)
    assert between.sum() > 500
    assert np.diff(time_ms)[between].min() > 600_000


def test_active_users_call_more() -> None:
    calls = made()
    count = np.bincount(calls.user, minlength=200)
    assert count.min() >= 0
    assert count[150:].mean() > 2 * count[:50].mean()
