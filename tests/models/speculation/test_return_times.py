import numpy as np

from models.speculation.gaps import at_gap, between, bin_of, place_of
from models.speculation.return_times import ReturnTimes
from tests.models.speculation.requests import DAY_MS, HOUR_MS


def heard(gap_ms: int, users: int, returns: int) -> ReturnTimes:
    """Users who come back after every such gap; the last one is open."""
    times = ReturnTimes(users)
    for request in range(returns + 1):
        for user in range(users):
            times.asked(user, 1 + request * gap_ms, is_new=request == 0)
    return times


def test_most_return_after_the_gap_that_was_seen() -> None:
    times = heard(HOUR_MS, users=50, returns=20)
    stays = times.stays(20 * HOUR_MS + 2)[times.kinds(0)]
    assert at_gap(stays, HOUR_MS // 4) > 0.95
    assert at_gap(stays, 2 * HOUR_MS) < 0.2


def test_users_who_have_not_come_back_speak_against_a_return() -> None:
    times = heard(HOUR_MS, users=50, returns=1)
    soon = times.stays(HOUR_MS + 2)
    late = times.stays(5 * DAY_MS)
    kind = times.kinds(0)
    assert at_gap(late[kind], 3 * HOUR_MS) > at_gap(soon[kind], 3 * HOUR_MS) + 0.3


def test_staying_away_never_grows_likelier_to_have_ended_later() -> None:
    stays = heard(HOUR_MS, users=5, returns=3).stays(DAY_MS)
    assert (np.diff(stays, axis=1) <= 0).all()
    assert (stays[:, 0] == 1.0).all()
    assert (stays > 0).all()


def test_bins_are_four_to_an_octave_and_places_lie_between_them() -> None:
    gaps_ms = np.array([0, 500, 1_000, 2_000, 10**12])
    assert bin_of(gaps_ms).tolist() == [0, 0, 4, 8, 95]
    table = np.arange(97, dtype=np.float64)[None]
    rows = np.zeros(5, np.int64)
    np.testing.assert_allclose(between(table, rows, place_of(gaps_ms)), place_of(gaps_ms))
    assert at_gap(table, 1_000.0) == [4.0]
