import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.features.records import F32, F64
from server.pins import Pins
from server.rerank import Picked, Room, Wish, diversify, weights
from server.scratch import Scratch
from server.variance import EPSILON

FOREVER_MS = 60_000.0
SEEDS = st.integers(0, 2**32 - 1)
NO_PINS = Pins.of(None)


def similarity(embeddings: F32) -> F64:
    units = embeddings.astype(np.float64)
    units /= np.linalg.norm(units, axis=1)[:, None]
    return (1.0 + units @ units.T) / 2.0


def log_det(kernel: F64, items: list[int]) -> float:
    sign, logdet = np.linalg.slogdet(kernel[np.ix_(items, items)])
    return float(logdet) if sign > 0 else -np.inf


def known(count: int) -> NDArray[np.bool_]:
    return np.ones(count, np.bool_)


def falling(count: int, seed: int) -> F64:
    """Values in falling order, none of them equal."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.random(count) + np.linspace(1e-3, 0.0, count))[::-1].copy()


def drawn(count: int, width: int, seed: int) -> F32:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def reranked(
    values: F64,
    embeddings: F32,
    wish: Wish,
    depth: int,
    *,
    is_known: NDArray[np.bool_] | None = None,
    pins: Pins = NO_PINS,
    budget_ms: float = FOREVER_MS,
) -> Picked:
    room = Room(depth, budget_ms, pins, None)
    is_known = known(len(values)) if is_known is None else is_known
    return diversify(values, embeddings, is_known, wish, room, Scratch())


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, count=st.integers(2, 14), strength=st.floats(0.05, 1.0))
def test_greedy_picks_what_brute_force_picks(seed: int, count: int, strength: float) -> None:
    values, embeddings, depth = falling(count, seed), drawn(count, 16, seed), min(6, count)
    picked = reranked(values, embeddings, Wish(strength), depth)
    log_q2, kernel = np.log(weights(values, strength)), similarity(embeddings)
    for step, pick in enumerate(picked.items):
        before = picked.items[:step]
        gains = {
            item: log_q2[[*before, item]].sum() + log_det(kernel, [*before, item])
            for item in set(range(count)) - set(before)
        }
        assert gains[pick] >= max(gains.values()) - 1e-9
    assert (len(picked.items), picked.reason) == (depth, None)


@settings(max_examples=80, deadline=None)
@given(
    seed=SEEDS,
    count=st.integers(3, 14),
    strength=st.floats(0.05, 1.0),
    window=st.integers(1, 14),
    pins=st.integers(0, 3),
)
def test_windowed_greedy_picks_what_is_least_explained_by_its_neighbours(
    seed: int, count: int, strength: float, window: int, pins: int
) -> None:
    """The window's objective, place by place, with pins as neighbours above and below."""
    values, embeddings, depth = falling(count, seed), drawn(count, 16, seed), min(10, count)
    rng = np.random.default_rng(seed)
    pinned = Pins(
        np.sort(rng.choice(depth, min(pins, depth - 1), replace=False)),
        rng.choice(count, min(pins, depth - 1), replace=False),
    )
    picked = reranked(values, embeddings, Wish(strength, window), depth, pins=pinned)
    slate = pinned.among(np.array(picked.items), depth).tolist()
    log_q2, kernel = np.log(weights(values, strength)), similarity(embeddings)
    by_place = dict(zip(pinned.places.tolist(), pinned.items.tolist(), strict=True))
    for place, pick in enumerate(slate):
        if place in by_place:
            continue
        below = [by_place[at] for at in range(place + 1, place + window + 1) if at in by_place]
        near = slate[max(place - window, 0) : place] + below
        gains = {
            item: log_q2[item] + log_det(kernel, [*near, item]) - log_det(kernel, near)
            for item in set(range(count)) - set(slate[:place]) - set(by_place.values())
        }
        assert gains[pick] >= max(gains.values()) - 1e-8


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, strength=st.floats(0.05, 1.0), depth=st.integers(1, 12))
def test_window_that_no_pick_leaves_is_none(seed: int, strength: float, depth: int) -> None:
    values, embeddings = falling(20, seed), drawn(20, 16, seed)
    windowed = reranked(values, embeddings, Wish(strength, max(depth - 1, 1)), depth)
    assert windowed == reranked(values, embeddings, Wish(strength), depth)


@settings(max_examples=60, deadline=None)
@given(
    seed=SEEDS,
    count=st.integers(1, 40),
    width=st.integers(1, 8),
    strength=st.floats(0.0, 1.0, exclude_min=True),
    depth=st.integers(1, 50),
    window=st.none() | st.integers(1, 50),
    share_known=st.floats(0.0, 1.0),
)
def test_no_item_is_picked_twice(
    seed: int,
    count: int,
    width: int,
    strength: float,
    depth: int,
    window: int | None,
    share_known: float,
) -> None:
    rng = np.random.default_rng(seed)
    embeddings = drawn(count, width, seed)
    embeddings[rng.random(count) < 0.3] = embeddings[0]
    values = np.sort(rng.random(count) * 10.0 ** rng.integers(-300, 300))[::-1].copy()
    is_known = rng.random(count) < share_known
    picked = reranked(values, embeddings, Wish(strength, window), depth, is_known=is_known)
    assert len(set(picked.items)) == len(picked.items) <= min(depth, count)
    assert set(picked.items) <= set(range(count))


def test_of_equal_gains_the_more_valuable_is_picked() -> None:
    values, embeddings = np.array([0.3, 0.2, 0.1]), np.eye(3, 4, dtype=np.float32)
    assert reranked(values, embeddings, Wish(1.0), 3).items == [0, 1, 2]


def test_copies_of_what_is_picked_are_left_to_the_order_of_value() -> None:
    embeddings = np.tile(np.eye(3, 8, dtype=np.float32), (10, 1))
    picked = reranked(falling(30, 0), embeddings, Wish(0.9), 30)
    assert sorted(item % 3 for item in picked.items) == [0, 1, 2]
    assert picked.reason is None  # no order of the copies would be more diverse


def test_float_noise_does_not_pass_for_difference() -> None:
    """Copies in float32 of a kernel of rank 5."""
    embeddings = np.repeat(drawn(20, 4, 1), 5, axis=0) * np.float32(1.0 / 3.0)
    assert len(reranked(falling(100, 1), embeddings, Wish(0.9), 100).items) == 5


def test_more_places_than_the_kernel_has_rank_say_so() -> None:
    picked = reranked(falling(60, 0), drawn(60, 4, 0), Wish(0.5), 60)
    assert (len(picked.items), picked.reason) == (5, "rank")


def test_last_one_within_the_rank_costs_nothing() -> None:
    picked = reranked(falling(6, 0), drawn(6, 4, 0), Wish(0.5), 6)
    assert (len(picked.items), picked.reason) == (5, None)


def test_window_within_the_rank_never_runs_out() -> None:
    picked = reranked(falling(60, 0), drawn(60, 4, 0), Wish(0.5, 3), 60)
    assert (len(picked.items), picked.reason) == (60, None)


def test_window_past_the_rank_fills_by_value_and_goes_on() -> None:
    picked = reranked(falling(60, 0), drawn(60, 4, 0), Wish(0.5, 20), 60)
    assert (sorted(picked.items), picked.reason) == (list(range(60)), "rank")


def test_little_diversity_keeps_the_order_of_value() -> None:
    picked = reranked(falling(20, 1), drawn(20, 16, 1), Wish(1e-6), 10)
    assert picked.items == list(range(10))


@pytest.mark.parametrize("window", [None, 3])
def test_pinned_item_pushes_away_what_resembles_it(window: int | None) -> None:
    embeddings = np.eye(6, 8, dtype=np.float32)
    embeddings[0] = embeddings[5]  # the most valuable is a copy of the one that is pinned
    pins = Pins(np.array([1]), np.array([5]))
    picked = reranked(falling(6, 0), embeddings, Wish(0.9, window), 2, pins=pins)
    assert 0 not in picked.items
    assert 5 not in picked.items


def test_unknown_embeddings_are_neither_first_nor_last() -> None:
    places: list[int] = []
    for seed in range(40):
        order = np.random.default_rng(seed).permutation(20)
        is_known = order >= 5
        picked = reranked(falling(20, seed), drawn(20, 16, seed), Wish(0.5), 20, is_known=is_known)
        slate = picked.items + sorted(set(range(20)) - set(picked.items))
        places += [slate.index(item) for item in np.flatnonzero(~is_known).tolist()]
    assert 7.5 < np.mean(places) < 11.5  # 9.5 were it chance


@pytest.mark.parametrize("is_known", [False, True])
def test_without_any_embedding_nothing_is_picked(is_known: bool) -> None:
    nothing = np.zeros((3, 4), np.float32)
    picked = reranked(falling(3, 0), nothing, Wish(0.5), 3, is_known=np.full(3, is_known))
    assert picked == Picked([], "no_embeddings")


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_leave_the_order_of_value(poison: float) -> None:
    embeddings, values = np.eye(3, 4, dtype=np.float32), np.array([3.0, 2.0, 1.0])
    embeddings[1, 2] = poison
    assert reranked(values, embeddings, Wish(0.5), 3) == Picked([], "not_finite")
    values[0] = np.nan
    assert reranked(values, np.eye(3, 4, dtype=np.float32), Wish(0.5), 3).reason == "not_finite"


def test_out_of_time_some_are_picked() -> None:
    picked = reranked(falling(50, 3), drawn(50, 16, 3), Wish(0.9), 50, budget_ms=0.0)
    assert (len(picked.items), picked.reason) == (1, "timeout")


def test_memory_is_taken_once() -> None:
    scratch, room = Scratch(), Room(10, FOREVER_MS, NO_PINS, None)
    told: list[list[int]] = []
    for count in (40, 20, 40):
        picked = diversify(
            falling(count, 0), drawn(count, 8, 0), known(count), Wish(0.7), room, scratch
        )
        told.append(picked.items)
    assert told[0] == told[2]  # whatever was left in it


def test_weights_are_theta_over_one_minus_theta() -> None:
    values: F64 = np.array([4.0, 3.0, 2.0])
    theta = 0.7
    expected = np.exp(theta / (1.0 - theta) * np.array([1.0, 0.5, 0.0]))
    np.testing.assert_allclose(weights(values, 1.0 - theta), expected / expected[0])


def test_epsilon_is_far_above_rounding_and_below_real_difference() -> None:
    assert 1e-12 < EPSILON < 1e-3
