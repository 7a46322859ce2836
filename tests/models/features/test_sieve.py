import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.features.records import U64
from models.features.sieve import SPARSE, Sieve

KEYS = st.lists(st.integers(0, (1 << 64) - 1), max_size=50).map(
    lambda keys: np.array(keys, np.uint64)
)


@given(KEYS, KEYS)
def test_no_key_of_the_set_is_lost(keys: U64, others: U64) -> None:
    held = Sieve.of(keys).holds(np.concatenate([keys, others]))
    assert held[: len(keys)].all()


def test_few_others_pass() -> None:
    rng = np.random.default_rng(1)
    keys, others = rng.integers(0, 1 << 64, (2, 4000), dtype=np.uint64)
    assert Sieve.of(keys).holds(others).mean() < 2 / SPARSE


def test_keys_of_any_shape_are_asked_at_once() -> None:
    sieve = Sieve.of(np.array([3], np.uint64))
    assert sieve.holds(np.array([[3, 1 << 63]], np.uint64)).tolist() == [[True, False]]
