import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.refresh.batch_size import FIRST, LEAST, BatchSize

BUDGET_MS = 50.0


def run(size: BatchSize, start_s: float, each_s: float, runs: int = 60, noise: float = 0.0) -> None:
    rng = np.random.default_rng(0)
    for _ in range(runs):
        pairs = int(rng.integers(max(1, size.pairs // 2), size.pairs + 1))
        size.took(pairs, (start_s + each_s * pairs) * (1.0 + noise * float(rng.normal())))


@pytest.mark.parametrize("each_s", [1e-6, 5e-5, 2e-4, 1e-3])
@pytest.mark.parametrize("start_s", [0.0, 0.002, 0.02])
def test_runs_come_close_to_their_time_and_stay_within_it(start_s: float, each_s: float) -> None:
    size = BatchSize(BUDGET_MS, most=4096)
    run(size, start_s, each_s, noise=0.03)
    took_s = start_s + each_s * size.pairs
    assert took_s <= BUDGET_MS / 1000
    assert took_s >= 0.6 * BUDGET_MS / 1000 or size.pairs == 4096


def test_size_grows_step_by_step_from_a_careful_first_run() -> None:
    size = BatchSize(BUDGET_MS, most=4096)
    sizes = []
    for _ in range(9):
        sizes.append(size.pairs)
        size.took(size.pairs, 1e-6 * size.pairs)
    assert sizes == [FIRST * 2**step for step in range(8)] + [4096]


def test_teacher_that_becomes_slower_gets_less() -> None:
    size = BatchSize(BUDGET_MS, most=4096)
    run(size, 0.0, 1e-5)
    before = size.pairs
    run(size, 0.0, 1e-4, runs=20)
    assert size.pairs < before / 5
    assert 1e-4 * size.pairs <= BUDGET_MS / 1000


def test_teacher_that_cannot_keep_the_time_gets_little_and_not_nothing() -> None:
    size = BatchSize(BUDGET_MS, most=4096)
    run(size, start_s=0.2, each_s=0.0)
    assert size.pairs == LEAST


@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.floats(0.0, 1e3)), min_size=1, max_size=50),
    st.integers(1, 5000),
)
def test_whatever_runs_take_the_size_stays_within_its_bounds(
    runs: list[tuple[int, float]], most: int
) -> None:
    size = BatchSize(BUDGET_MS, most)
    for pairs, seconds in runs:
        size.took(pairs, seconds)
        assert min(LEAST, most) <= size.pairs <= most
