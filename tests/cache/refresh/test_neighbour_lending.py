"""What neighbours lend, against the replay's rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.arrays import F32
from cache.entries import Entries
from cache.quantise import Precision
from cache.refresh.neighbour_index import Near, NeighbourIndex, directions_of
from cache.refresh.neighbour_lending import NeighbourRules, lent_to
from cache.refresh.neighbour_shelf import Shelf, UserEntries, Width
from models.replay import lending
from models.replay import neighbours as replay
from tests.cache.pages import NOW_MS

DIM, TASKS, TTL_S = 6, 2, 600.0
WIDTH = Width(DIM, TASKS)
RULES = NeighbourRules(TTL_S, every_s=60.0, nearest_users=50, nearest=3, entries=1000)


def entries_of(pairs: list[int], at_ms: list[int], seed: int) -> Entries:
    rng = np.random.default_rng(seed)
    z = np.tanh(rng.normal(size=(len(pairs), DIM))).astype(np.float32)
    logit = rng.normal(size=(len(pairs), TASKS)).astype(np.float32)
    keys = np.array(pairs, np.uint64)
    return Entries.of(keys, np.array(at_ms, np.int64), logit, z, Precision.INT8)


def shelf_of(users: int, seed: int, *, pairs: int = 30, held: int = 12) -> Shelf:
    rng = np.random.default_rng(seed)
    told = [
        UserEntries(
            f"user-{number}",
            entries_of(
                rng.choice(pairs, held, replace=False).tolist(),
                (NOW_MS - rng.integers(0, 500_000, held)).tolist(),
                seed=1000 * seed + number,
            ),
        )
        for number in range(users)
    ]
    return Shelf.of(told, WIDTH, TTL_S)


def as_replayed(shelf: Shelf) -> lending.Entries:
    pair = shelf.pair_keys.astype(np.int64)
    user = np.arange(len(shelf.users)).repeat(np.diff(shelf.starts))
    return lending.Entries(user, pair, pair, shelf.at_ms, shelf.z(slice(None)), shelf.logit)


@pytest.mark.parametrize("seed", range(3))
def test_lent_entries_are_those_of_the_replay(seed: int) -> None:
    shelf = shelf_of(20, seed)
    index = NeighbourIndex(directions_of(shelf.means()))
    now_ms = shelf.now_ms + 1
    # An index of the replay as of now: its period is a millisecond.
    rules = replay.NeighbourRules(hard_ttl_s=TTL_S, index_every_s=1.0, reach=50, nearest=3)
    rules = rules.model_copy(update={"index_every_s": 0.001})
    for user in range(20):
        told = lent_to(shelf, user, index.near(user, 50), RULES._replace(every_s=0.0))
        pair = told.pair_keys.astype(np.int64)
        asker = np.full(len(pair), user)
        asked = lending.Asked(asker, pair, pair, np.full(len(pair), now_ms))
        expected = replay.neighbour_lent(as_replayed(shelf), asked, rules)
        assert expected.found.all()
        np.testing.assert_allclose(told.z(), expected.z, atol=np.abs(expected.z).max() / 120)
        np.testing.assert_allclose(told.logit, expected.logit, rtol=1e-3, atol=1e-5)
        age_s = (now_ms - told.computed_at_ms) / 1000.0
        np.testing.assert_allclose(age_s, expected.age_s, rtol=1e-6)


def test_nothing_that_the_replay_lends_is_missing() -> None:
    shelf = shelf_of(20, 5)
    index = NeighbourIndex(directions_of(shelf.means()))
    rules = replay.NeighbourRules(hard_ttl_s=TTL_S, index_every_s=1.0, reach=50)
    rules = rules.model_copy(update={"index_every_s": 0.001})
    for user in range(20):
        lacking = np.setdiff1d(np.arange(30), shelf.pair_keys[shelf.of_user(user)].astype(np.int64))
        asked = lending.Asked(
            np.full(len(lacking), user), lacking, lacking, np.full(len(lacking), shelf.now_ms + 1)
        )
        found = replay.neighbour_lent(as_replayed(shelf), asked, rules).found
        told = lent_to(shelf, user, index.near(user, 50), RULES)
        assert set(lacking[found].tolist()) <= set(told.pair_keys.tolist())


@given(st.integers(0, 50), st.integers(1, 6), st.integers(1, 20))
def test_what_is_lent_is_bounded_and_not_the_users_own(seed: int, most: int, kept: int) -> None:
    shelf = shelf_of(6, seed, held=8)
    index = NeighbourIndex(directions_of(shelf.means()))
    rules = RULES._replace(entries=kept, nearest=most, every_s=0.0)
    told = lent_to(shelf, 0, index.near(0, 5), rules)
    assert len(told.pair_keys) <= kept
    own = shelf.pair_keys[shelf.of_user(0)]
    assert not np.isin(told.pair_keys, own).any()
    assert (told.computed_at_ms >= shelf.now_ms - 1000 * TTL_S).all()


def test_pair_that_the_user_is_about_to_lose_is_lent() -> None:
    near = Near(np.array([1]), np.ones(1, np.float32))
    old = UserEntries("a", entries_of([1, 2], [NOW_MS - 570_000, NOW_MS - 30_000], 0))
    other = UserEntries("b", entries_of([1, 2, 3], [NOW_MS] * 3, 1))
    shelf = Shelf.of([old, other], WIDTH, TTL_S)
    assert lent_to(shelf, 0, near, RULES).pair_keys.tolist() == [1, 3]


def test_the_most_valuable_stay() -> None:
    other = entries_of([1, 2, 3], [NOW_MS] * 3, 1)
    other.logit[:, 0] = [-3.0, 3.0, 0.0]
    nobody = UserEntries("a", entries_of([9], [NOW_MS], 0))
    shelf = Shelf.of([nobody, UserEntries("b", other)], WIDTH, TTL_S)
    near = Near(np.array([1]), np.ones(1, np.float32))
    assert lent_to(shelf, 0, near, RULES._replace(entries=2)).pair_keys.tolist() == [2, 3]


def test_user_who_is_like_nobody_is_lent_nothing() -> None:
    shelf = shelf_of(2, 0)
    for user in range(2):
        # Two users lie on opposite sides of their centre.
        near = NeighbourIndex(directions_of(shelf.means())).near(user, 5)
        assert not len(near.users)
        assert not len(lent_to(shelf, user, near, RULES).pair_keys)


def test_expired_entries_and_empty_users_are_not_on_the_shelf() -> None:
    held = [
        UserEntries("old", entries_of([1], [NOW_MS - 600_001], 0)),
        UserEntries("none", entries_of([], [], 0)),
        UserEntries("new", entries_of([1, 2], [NOW_MS - 600_001, NOW_MS], 1)),
    ]
    shelf = Shelf.of(held, WIDTH, TTL_S)
    assert list(shelf.users) == ["new"]
    assert shelf.pair_keys.tolist() == [2]


def test_empty_space_has_an_empty_shelf() -> None:
    shelf = Shelf.of([], WIDTH, TTL_S)
    index = NeighbourIndex(directions_of(shelf.means()))
    assert (len(shelf.users), shelf.now_ms, shelf.means().shape) == (0, 0, (0, DIM))
    assert index is not None


def clustered(users: int, dim: int) -> F32:
    """As means are: around a few tastes."""
    rng = np.random.default_rng(0)
    tastes = rng.normal(size=(40, dim))
    means = tastes[rng.integers(0, 40, users)] + 0.5 * rng.normal(size=(users, dim))
    return np.tanh(means).astype(np.float32)


def test_index_recalls_nearly_all_of_the_true_neighbours() -> None:
    directions = directions_of(clustered(3000, 32))
    index = NeighbourIndex(directions)
    recalled = []
    for user in range(0, 3000, 60):
        similarity = directions @ directions[user]
        similarity[user] = -1.0
        true = set(np.argsort(-similarity)[:32].tolist())
        recalled.append(len(true & set(index.near(user, 32).users.tolist())) / 32)
    assert np.mean(recalled) > 0.97


def test_users_at_the_centre_have_no_direction() -> None:
    directions = directions_of(np.ones((3, 4), np.float32))
    assert not directions.any()
    assert not len(NeighbourIndex(directions).near(0, 2).users)
