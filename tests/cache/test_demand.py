import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.demand import MAX_PAIRS, Demand, decode, encode, pairs_of
from cache.errors import MessageCorrupt
from tests.cache.demands import make_demand


@given(
    st.text(max_size=50),
    st.lists(st.integers(0, (1 << 64) - 1), max_size=50),
    st.lists(st.integers(0, (1 << 64) - 1), max_size=4),
    st.lists(st.floats(width=32), max_size=4),
)
def test_demand_reads_back(
    user_id: str, items: list[int], context: list[int], numbers: list[float]
) -> None:
    demand = Demand(
        user_id,
        -5,
        np.array(context, np.uint64),
        np.array(numbers, np.float32),
        np.array(items, np.uint64),
        np.arange(len(items), dtype=np.float32),
    )
    back, enqueued_ms = decode(encode(demand, 77))
    assert (back.user_id, back.as_of_ms, enqueued_ms) == (user_id, -5, 77)
    for written, read in zip(demand[2:], back[2:], strict=True):
        np.testing.assert_array_equal(read, written)


@given(st.binary(max_size=200))
def test_rubbish_is_no_demand(data: bytes) -> None:
    for rubbish in (data, b"UD\x01" + data):
        with pytest.raises(MessageCorrupt):
            decode(rubbish)


@given(st.integers(0, 200))
def test_cut_demand_is_found(length: int) -> None:
    encoded = encode(make_demand("useré", (1, 2, 3)), 0)
    with pytest.raises(MessageCorrupt):
        decode(encoded[: min(length, len(encoded) - 1)])


def test_unbounded_demand_is_not_written() -> None:
    with pytest.raises(ValueError, match="pairs"):
        encode(make_demand(items=tuple(range(MAX_PAIRS + 1))), 0)


@given(st.lists(st.integers(0, 9), max_size=50), st.integers(0, 30))
def test_message_says_how_many_pairs_it_asks_for(items: list[int], cut: int) -> None:
    encoded = encode(make_demand(items=tuple(items)), 0)
    assert pairs_of(encoded) == len(items)
    assert pairs_of(encoded[:cut]) in (0, len(items))
