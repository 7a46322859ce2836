import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.features.records import F32, F64
from server.rerank import RELATIVE_EPSILON, diversify, log_quality

FOREVER_MS = 60_000.0


def similarity(embeddings: F32) -> F64:
    units = embeddings.astype(np.float64)
    units /= np.linalg.norm(units, axis=1)[:, None]
    return (1.0 + units @ units.T) / 2.0


def gains_by_determinant(quality: F64, kernel: F64, picks: list[int]) -> F64:
    """Brute force: log det of the picks with each item, over all items not picked."""
    gains = np.full(len(quality), -np.inf)
    for item in set(range(len(quality))) - set(picks):
        chosen = [*picks, item]
        sign, logdet = np.linalg.slogdet(kernel[np.ix_(chosen, chosen)])
        gains[item] = logdet + quality[chosen].sum() if sign > 0 else -np.inf
    return gains


def known(count: int) -> NDArray[np.bool_]:
    return np.ones(count, np.bool_)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(2, 14),
    diversity=st.floats(0.05, 1.0),
)
def test_greedy_picks_what_brute_force_picks(seed: int, count: int, diversity: float) -> None:
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(count, 16)).astype(np.float32)
    values = rng.random(count)
    depth = min(6, count)
    ranked = diversify(values, embeddings, known(count), diversity, depth, FOREVER_MS)
    quality, kernel = log_quality(values, diversity), similarity(embeddings)
    picks = ranked.order[:depth].tolist()
    for step, pick in enumerate(picks):
        gains = gains_by_determinant(quality, kernel, picks[:step])
        assert gains[pick] >= gains.max() - 1e-9
    assert ranked.reason is None


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 40),
    width=st.integers(1, 8),
    diversity=st.floats(0.0, 1.0, exclude_min=True),
    depth=st.integers(1, 50),
    share_known=st.floats(0.0, 1.0),
)
def test_order_is_always_a_permutation(
    seed: int, count: int, width: int, diversity: float, depth: int, share_known: float
) -> None:
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(count, width)).astype(np.float32)
    embeddings[rng.random(count) < 0.2] = embeddings[0]
    is_known = rng.random(count) < share_known
    values = rng.random(count) * 10.0 ** rng.integers(-300, 300)
    ranked = diversify(values, embeddings, is_known, diversity, depth, FOREVER_MS)
    assert sorted(ranked.order.tolist()) == list(range(count))


def test_of_equal_gains_the_more_valuable_is_picked() -> None:
    values = np.array([0.1, 0.3, 0.2])
    ranked = diversify(values, np.eye(3, 4, dtype=np.float32), known(3), 1.0, 3, FOREVER_MS)
    assert ranked.order.tolist() == [1, 2, 0]


def test_copies_of_what_is_picked_follow_by_value() -> None:
    embeddings = np.repeat(np.eye(3, 8, dtype=np.float32), 10, axis=0)
    values = np.linspace(1.0, 0.1, 30)
    ranked = diversify(values, embeddings, known(30), 0.9, 30, FOREVER_MS)
    assert {int(item) // 10 for item in ranked.order[:3]} == {0, 1, 2}
    rest = values[ranked.order[3:]]
    assert (np.diff(rest) <= 0).all()


def test_more_positions_than_the_kernel_has_rank_are_filled_by_value() -> None:
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(60, 4)).astype(np.float32)
    ranked = diversify(rng.random(60), embeddings, known(60), 0.5, 60, FOREVER_MS)
    assert sorted(ranked.order.tolist()) == list(range(60))


def test_little_diversity_keeps_the_order_of_value() -> None:
    rng = np.random.default_rng(1)
    values = rng.permutation(20) / 20.0
    embeddings = rng.normal(size=(20, 16)).astype(np.float32)
    ranked = diversify(values, embeddings, known(20), 1e-6, 10, FOREVER_MS)
    assert ranked.order.tolist() == np.argsort(-values).tolist()


def test_unknown_embeddings_are_neither_first_nor_last() -> None:
    rng = np.random.default_rng(2)
    places = []
    for _ in range(40):
        is_known = np.arange(20) >= 5
        embeddings = rng.normal(size=(20, 16)).astype(np.float32)
        values = rng.random(20)
        order = diversify(values, embeddings, is_known, 0.5, 20, FOREVER_MS).order.tolist()
        places += [order.index(item) for item in range(5)]
    assert 7.5 < np.mean(places) < 11.5  # 9.5 were it chance


def test_without_any_embedding_it_is_the_order_of_value() -> None:
    values = np.array([0.1, 0.3, 0.2])
    nothing = np.zeros((3, 4), np.float32)
    for is_known in (np.zeros(3, np.bool_), known(3)):
        ranked = diversify(values, nothing, is_known, 0.5, 3, FOREVER_MS)
        assert ranked.order.tolist() == [1, 2, 0]
        assert ranked.reason == "no_embeddings"


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_numbers_that_are_not_finite_fall_back_to_value(poison: float) -> None:
    embeddings = np.eye(3, 4, dtype=np.float32)
    embeddings[1, 2] = poison
    ranked = diversify(np.array([0.1, 0.3, 0.2]), embeddings, known(3), 0.5, 3, FOREVER_MS)
    assert ranked.order.tolist() == [1, 2, 0]
    assert ranked.reason == "not_finite"


def test_out_of_time_the_rest_follows_by_value() -> None:
    rng = np.random.default_rng(3)
    values = rng.random(50)
    embeddings = rng.normal(size=(50, 16)).astype(np.float32)
    ranked = diversify(values, embeddings, known(50), 0.9, 50, budget_ms=0.0)
    assert ranked.reason == "timeout"
    assert sorted(ranked.order.tolist()) == list(range(50))
    assert (np.diff(values[ranked.order[1:]]) <= 0).all()


def test_epsilon_is_far_above_rounding_and_below_real_difference() -> None:
    assert 1e-12 < RELATIVE_EPSILON < 1e-3
