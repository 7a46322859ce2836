"""Neighbours' word against a double loop, and against a deleted future."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features.records import F64
from models.replay import neighbours
from models.replay.cache import CacheRules
from models.replay.lending import Asked, Entries, Lent, nothing_lent
from models.replay.neighbours import NeighbourRules, neighbour_lent
from tests.models.replay.random_entries import (
    asked_of,
    assert_lent_alike,
    assert_types_of_lent,
    before,
    entries_of,
    random_asked,
    random_entries,
    rows_of,
)

MINUTES = NeighbourRules(index_every_s=60.0)
TIGHT = NeighbourRules(
    hard_ttl_s=150.0, index_every_s=45.0, reach=5, nearest=2, least_similarity=0.2
)
EAST, NORTH, WEST = [9.0, 5.0], [5.0, 9.0], [1.0, 1.0]


def slow_directions(entries: Entries, as_of_ms: int, ttl_ms: float) -> dict[int, F64]:
    alive = (entries.at_ms <= as_of_ms) & (as_of_ms - entries.at_ms <= ttl_ms)
    means = {
        int(user): entries.z[alive & (entries.user == user)].mean(axis=0, dtype=np.float64)
        for user in np.unique(entries.user[alive])
    }
    centre = sum(means.values(), np.zeros(entries.z.shape[1])) / max(len(means), 1)
    away = {user: mean - centre for user, mean in means.items()}
    return {u: a / np.linalg.norm(a) for u, a in away.items() if np.linalg.norm(a) > 1e-5}


def slow(entries: Entries, asked: Asked, rules: NeighbourRules) -> Lent:
    lent, ttl_ms = nothing_lent(asked, entries), 1000 * rules.hard_ttl_s
    every_ms = int(1000 * rules.index_every_s)
    newest_first = sorted(range(len(entries.user)), key=lambda e: (entries.at_ms[e], e))[::-1]
    for row, (user, pair, _, now_ms) in enumerate(zip(*asked, strict=True)):
        directions = slow_directions(entries, (now_ms - 1) // every_ms * every_ms, ttl_ms)
        others = [
            entry
            for entry in newest_first
            if entries.pair[entry] == pair
            and entries.user[entry] != user
            and 0 < now_ms - entries.at_ms[entry] <= ttl_ms
        ][: rules.reach]
        alike = {
            entry: float(directions[user] @ directions[entries.user[entry]])
            for entry in others
            if user in directions and entries.user[entry] in directions
        }
        used = [e for e, similarity in alike.items() if similarity >= rules.least_similarity]
        used = sorted(used, key=lambda entry: -alike[entry])[: rules.nearest]
        if not used:
            continue
        weights = [alike[entry] for entry in used]
        lent.found[row] = True
        lent.z[row] = np.average(entries.z[used], axis=0, weights=weights)
        lent.logit[row] = np.average(entries.logit[used], axis=0, weights=weights)
        lent.age_s[row] = (now_ms - entries.at_ms[used].max()) / 1000.0
    return lent


@pytest.mark.parametrize("users", [3, 8])
@pytest.mark.parametrize("rules", [MINUTES, TIGHT])
def test_every_asker_gets_what_a_double_loop_says(
    rules: NeighbourRules, users: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "BLOCK", 7)
    rng = np.random.default_rng(3)
    entries, asked = random_entries(rng, 300, users), random_asked(rng, 200)
    lent = neighbour_lent(entries, asked, rules)
    assert_lent_alike(lent, slow(entries, asked, rules), 1e-5)
    assert_types_of_lent(lent)
    assert 0 < lent.found.sum() < len(lent.found)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), minute=st.integers(0, 10))
def test_nothing_lent_changes_when_the_future_is_deleted(seed: int, minute: int) -> None:
    rng = np.random.default_rng(seed)
    entries, asked = random_entries(rng, 60), random_asked(rng, 40)
    past, asked_by_then, rows = before(entries, asked, minute * 60_000)
    whole = neighbour_lent(entries, asked, TIGHT)
    part = neighbour_lent(past, asked_by_then, TIGHT)
    assert_lent_alike(part, rows_of(whole, rows), 1e-6)


def test_the_nearer_of_two_neighbours_weighs_more() -> None:
    told = [(1, 8, 0, [9.0, 6.0]), (2, 0, 10, [8.0, 6.0]), (3, 0, 20, [6.0, 8.0])]
    entries = entries_of(*told, (4, 8, 0, [-3.0, 0.0]))
    lent = neighbour_lent(entries, asked_of((1, 0, 60_001)), MINUTES)
    away = np.array([[4.0, 1.0], [3.0, 1.0], [1.0, 3.0]])
    units = away / np.linalg.norm(away, axis=1, keepdims=True)
    near, far = units[1:] @ units[0]
    expected = (near * np.array([8.0, 6.0]) + far * np.array([6.0, 8.0])) / (near + far)
    np.testing.assert_allclose(lent.z[0], expected, rtol=1e-5)
    assert lent.z[0, 0] > 7.0
    assert lent.age_s[0] == np.float32(59.981)


def test_a_user_is_known_from_the_next_refresh_on() -> None:
    entries = entries_of((1, 0, 60_001, EAST), (2, 2, 0, EAST), (3, 4, 0, WEST))
    asked = asked_of((2, 0, 119_999), (2, 0, 120_000), (2, 0, 120_001))
    lent = neighbour_lent(entries, asked, MINUTES)
    assert lent.found.tolist() == [False, False, True]


def test_the_pair_need_not_be_older_than_the_index() -> None:
    entries = entries_of((1, 4, 0, EAST), (2, 2, 0, EAST), (3, 4, 0, WEST), (1, 0, 70_000, NORTH))
    lent = neighbour_lent(entries, asked_of((2, 0, 70_000), (2, 0, 70_001)), MINUTES)
    assert lent.found.tolist() == [False, True]
    assert lent.z[1].tolist() == NORTH


def test_own_entries_are_neither_lent_nor_counted_as_reach() -> None:
    own = [(2, 0, 1000 + at_ms, EAST) for at_ms in range(100)]
    entries = entries_of((1, 0, 0, EAST), (3, 4, 0, WEST), *own)
    rules = NeighbourRules(index_every_s=60.0, reach=1)
    lent = neighbour_lent(entries, asked_of((2, 0, 60_001)), rules)
    assert lent.logit.tolist() == [[0.0]]


def test_of_entries_at_one_time_the_later_row_is_the_newer() -> None:
    twice = [(1, 0, 5, [9.0, 1.0]), (1, 0, 5, [9.0, 9.0])]
    entries = entries_of(*twice, (2, 2, 0, EAST), (3, 4, 0, WEST))
    rules = NeighbourRules(index_every_s=60.0, nearest=1)
    assert neighbour_lent(entries, asked_of((2, 0, 60_001)), rules).logit.tolist() == [[1.0]]


@pytest.mark.parametrize("turn", [0.0, 0.3, 1.1])
def test_users_at_right_angles_or_opposed_are_no_neighbours(turn: float) -> None:
    angles = turn + np.pi / 2 * np.arange(4)
    entries = entries_of(*((u, u, 0, [1 + np.cos(a), 1 + np.sin(a)]) for u, a in enumerate(angles)))
    asked = asked_of(*((user, pair, 60_001) for user in range(4) for pair in range(4)))
    assert not neighbour_lent(entries, asked, MINUTES).found.any()


@pytest.mark.parametrize("z", [0.0, 0.1, 0.7])
def test_users_who_are_all_the_same_have_no_neighbours(z: float) -> None:
    told = ((user, user % 2, 0, [times * z, 3 * z]) for user in range(7) for times in (1, 2, 4))
    lent = neighbour_lent(entries_of(*told), asked_of((2, 0, 60_001), (3, 1, 60_001)), MINUTES)
    assert not lent.found.any()
    assert not lent.z.any()


def test_an_asker_that_was_never_told_anything_has_no_neighbours() -> None:
    entries = entries_of((1, 0, 0, EAST), (2, 0, 0, NORTH), (3, 0, 0, WEST))
    assert not neighbour_lent(entries, asked_of((4, 0, 60_001)), MINUTES).found.any()
    assert not neighbour_lent(entries, asked_of((1, 7, 60_001)), MINUTES).found.any()


def test_nothing_said_and_nobody_asking_are_borne() -> None:
    rng = np.random.default_rng(0)
    nobody, silence = random_asked(rng, 0), random_entries(rng, 0)
    assert neighbour_lent(random_entries(rng, 5), nobody, MINUTES).z.shape == (0, 5)
    lent = neighbour_lent(silence, random_asked(rng, 4), MINUTES)
    assert lent.z.shape == (4, 5)
    assert not lent.found.any()


def test_the_hard_ttl_is_that_of_the_pages() -> None:
    assert NeighbourRules().hard_ttl_s == CacheRules().hard_ttl_s
