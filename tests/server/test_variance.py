import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features.records import F32, F64
from server.variance import EPSILON, GivenAll, GivenSome, vectors

COUNT, HELD = 16, 5


def drawn(seed: int, spread: float) -> F32:
    """Embeddings that lie the nearer to one another the smaller the spread."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=12)
    return (centre + spread * rng.normal(size=(COUNT, 12))).astype(np.float32)


def stack(embeddings: F32, rows: int) -> F64:
    table = np.full((embeddings.shape[1] + 1 + rows, COUNT), np.nan)
    known = vectors(embeddings, np.ones(COUNT, np.bool_), table[: embeddings.shape[1] + 1])
    assert known is not None
    assert known.all()
    return table


def unexplained(rows: F64, items: list[int]) -> F64:
    """1 − Rᵀ·S⁻¹·R by itself."""
    kernel = rows.T @ rows
    by_pick = kernel[items]
    explained: F64 = np.einsum("ij,ij->j", by_pick, np.linalg.solve(by_pick[:, items], by_pick))
    return 1.0 - explained


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0.01, 0.1, 1.0]))
def test_variance_given_all_is_the_schur_complement(seed: int, spread: float) -> None:
    table = stack(drawn(seed, spread), 0)
    variance, picks = GivenAll(table, 13), list[int]()
    for item in np.random.default_rng(seed).permutation(COUNT)[:6].tolist():
        if variance.left[item] <= EPSILON:
            continue
        variance.pick(item)
        picks.append(item)
        np.testing.assert_allclose(variance.left, unexplained(table[:13], picks), atol=1e-8)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.01, 0.1, 1.0]),
    steps=st.lists(st.booleans(), min_size=10, max_size=60),
)
def test_variance_given_some_is_that_of_those_held(
    seed: int, spread: float, steps: list[bool]
) -> None:
    """Whatever was picked and forgotten before."""
    table, rng = stack(drawn(seed, spread), HELD), np.random.default_rng(seed)
    variance, held = GivenSome(table, 13), list[int]()
    for is_pick in steps:
        others = [item for item in range(COUNT) if item not in held]
        if is_pick and len(held) < HELD:
            item = int(rng.choice(others))
            if variance.left[item] > EPSILON:
                held.append(item)
            variance.pick(item)
        elif held:
            variance.forget(held.pop(int(rng.integers(len(held)))))
        expected = unexplained(table[:13], held) if held else np.ones(COUNT)
        np.testing.assert_allclose(variance.left[others], expected[others], atol=1e-7)


def test_copy_of_what_is_held_takes_no_room_and_is_forgotten_for_nothing() -> None:
    embeddings = drawn(0, 1.0)
    embeddings[1] = embeddings[0]
    variance = GivenSome(stack(embeddings, 1), 13)
    variance.pick(0)
    before = variance.left.copy()
    variance.pick(1)
    variance.forget(1)
    np.testing.assert_array_equal(variance.left, before)


def test_vectors_of_what_is_unknown_are_zeros() -> None:
    embeddings, rows = drawn(0, 1.0), np.full((13, COUNT), np.nan)
    embeddings[2] = 0.0
    known = vectors(embeddings, np.arange(COUNT) != 3, rows)
    assert known is not None
    assert np.flatnonzero(~known).tolist() == [2, 3]
    np.testing.assert_array_equal(rows[:, [2, 3]], 0.0)
    np.testing.assert_allclose(np.square(rows[:, known]).sum(axis=0), 1.0)
