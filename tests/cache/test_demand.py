import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.demand import (
    HIT,
    MAX_PAIRS,
    MISS,
    STALE,
    Demand,
    Others,
    alone,
    decode,
    encode,
    pairs_of,
)
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
    assert back.others is None
    for written, read in zip(demand[2:6], back[2:6], strict=True):
        np.testing.assert_array_equal(read, written)


@given(st.binary(max_size=200))
def test_rubbish_is_no_demand(data: bytes) -> None:
    for rubbish in (data, b"UD\x01" + data, b"UD\x02" + data):
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


item_lists = st.lists(st.integers(0, (1 << 64) - 1), max_size=20)


def with_others(items: list[int], more: list[int]) -> Demand:
    standing = np.arange(len(items) + len(more)) % (HIT + 1)
    others = Others(
        np.array(more, np.uint64),
        np.arange(len(more), dtype=np.float32),
        standing.astype(np.uint8),
    )
    return make_demand("useré", tuple(items))._replace(others=others)


@given(item_lists, item_lists)
def test_others_read_back_and_weigh_nothing(items: list[int], more: list[int]) -> None:
    demand = with_others(items, more)
    encoded = encode(demand, 77)
    back = decode(encoded).demand
    assert back.others is not None
    assert demand.others is not None
    for written, read in zip(demand[2:6], back[2:6], strict=True):
        np.testing.assert_array_equal(read, written)
    for written, read in zip(demand.others, back.others, strict=True):
        np.testing.assert_array_equal(read, written)
    assert pairs_of(encoded) == len(items)
    assert alone(encoded) == encode(demand._replace(others=None), 77)


def test_demand_without_others_is_what_older_refreshers_read() -> None:
    encoded = encode(make_demand(), 0)
    assert encoded[:3] == b"UD\x01"
    assert encode(with_others([1], []), 0)[:3] == b"UD\x02"


@given(st.integers(0, 300))
def test_cut_demand_with_others_is_found(length: int) -> None:
    encoded = encode(with_others([1, 2, 3], [4, 5]), 0)
    with pytest.raises(MessageCorrupt):
        decode(encoded[: min(length, len(encoded) - 1)])


def test_demanded_and_others_together_are_bounded() -> None:
    with pytest.raises(ValueError, match=f"{MAX_PAIRS + 1} pairs"):
        encode(with_others([1], [*range(MAX_PAIRS)]), 0)


def test_what_is_not_wanted_joins_the_others_with_its_standing() -> None:
    asked = with_others([1, 2, 3], [4]).asking(np.array([True, False, True]))
    assert asked.others is not None
    assert asked.item_keys.tolist() == [1, 3]
    assert asked.others.item_keys.tolist() == [2, 4]
    assert asked.others.scores.tolist() == [0.5, 0.0]
    assert asked.others.standing.tolist() == [MISS, HIT, STALE, MISS]
    assert make_demand(items=(1, 2)).asking(np.array([False, True])).others is None
