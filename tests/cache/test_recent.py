import numpy as np

from cache.arrays import U64
from cache.recent import MAX_PAIRS, MAX_USERS, RecentPairs


def pairs(*keys: int) -> U64:
    return np.array(keys, np.uint64)


def test_remembered_pairs_are_seen_until_their_window_ends() -> None:
    recent = RecentPairs(10.0)
    recent.remember("u", pairs(1, 2), 100.0)
    recent.remember("u", pairs(3), 109.0)
    assert recent.seen("u", pairs(1, 3, 4), 109.9).tolist() == [True, True, False]
    assert not recent.seen("u", pairs(1, 3), 110.0).any()


def test_asking_does_not_remember() -> None:
    recent = RecentPairs(10.0)
    assert not recent.seen("u", pairs(1), 0.0).any()
    assert not recent.seen("u", pairs(1), 0.0).any()


def test_users_are_told_apart_and_all_can_be_forgotten() -> None:
    recent = RecentPairs(10.0)
    recent.remember("u", pairs(1), 0.0)
    assert not recent.seen("v", pairs(1), 0.0).any()
    recent.forget()
    assert not recent.seen("u", pairs(1), 0.0).any()


def test_users_and_pairs_of_a_user_are_bounded() -> None:
    recent = RecentPairs(10.0)
    for user in range(MAX_USERS + 1):
        recent.remember(str(user), pairs(1), 0.0)
    assert not recent.seen("0", pairs(1), 0.0).any()
    recent.remember("1", np.arange(10, 10 + MAX_PAIRS, dtype=np.uint64), 0.0)
    assert recent.seen("1", pairs(1, 10, 9 + MAX_PAIRS), 0.0).tolist() == [False, True, True]
