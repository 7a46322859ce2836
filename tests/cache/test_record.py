from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.errors import RecordCorrupt
from cache.record import MAX_HISTORY, UserRecord, decode, empty_record, encode
from cache.stamp import stamp_of
from models.features.records import UserState


def make_record(seed: int = 0, columns: int = 2, events: int = 5, version: int = 3) -> UserRecord:
    rng = np.random.default_rng(seed)
    return UserRecord(
        columns=rng.integers(0, 1 << 63, columns).astype(np.uint64),
        numbers=np.array([1.5, np.nan], np.float32)[: columns % 3],
        counters=rng.random(3) * 50,
        counters_at=1_700_000_000_000,
        items=rng.integers(0, 1 << 63, events).astype(np.uint64),
        times_ms=np.sort(rng.integers(0, 1 << 41, events)),
        outcomes=rng.integers(1, 8, events).astype(np.uint8),
        event_ids=rng.integers(0, 1 << 63, min(events, 64)).astype(np.uint64),
        version=version,
        fingerprint=0xFEDC_BA98_7654_3210,
        fence=7,
    )


def assert_same(one: UserRecord, other: UserRecord) -> None:
    for name, value in one._asdict().items():
        np.testing.assert_array_equal(getattr(other, name), value, err_msg=name)


@given(st.integers(0, 99), st.integers(0, 20), st.integers(0, MAX_HISTORY))
def test_record_reads_back_as_it_was_written(seed: int, columns: int, events: int) -> None:
    record = make_record(seed, columns, events)
    data = encode(record)
    assert_same(record, decode(data))
    assert stamp_of(data) == (3, 7)


@given(st.integers(0, 99), st.data())
def test_any_flipped_bit_is_found(seed: int, data: st.DataObject) -> None:
    encoded = bytearray(encode(make_record(seed)))
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RecordCorrupt):
        decode(bytes(encoded))


@given(st.binary(max_size=200))
def test_rubbish_is_no_record(data: bytes) -> None:
    for rubbish in (data, b"UR\x01\x00" + data):
        with pytest.raises(RecordCorrupt):
            decode(rubbish)


def test_only_the_newest_events_are_kept() -> None:
    record = make_record(events=MAX_HISTORY + 10)
    held = decode(encode(record))
    np.testing.assert_array_equal(held.items, record.items[10:])
    np.testing.assert_array_equal(held.outcomes, record.outcomes[10:])


def test_unbounded_record_is_not_written() -> None:
    with pytest.raises(ValueError, match="exceed"):
        encode(make_record()._replace(columns=np.zeros(1025, np.uint64)))


def test_empty_record_is_a_stranger() -> None:
    record = decode(encode(empty_record(2, 1, 2, 5)))
    assert np.isnan(record.numbers).all()
    assert not record.counters.any()
    assert len(record.items) == 0


def test_record_is_the_state_that_features_read() -> None:
    state: UserState = make_record()
    assert len(state.items) == len(state.times_ms) == len(state.outcomes)


def test_format_does_not_change_unnoticed() -> None:
    """Other bytes need a new FORMAT_VERSION: the records of a running fleet look like this file."""
    record = UserRecord(
        columns=np.array([11], np.uint64),
        numbers=np.array([0.5], np.float32),
        counters=np.array([3.0, 1.0]),
        counters_at=1_700_000_000_000,
        items=np.array([21, 22], np.uint64),
        times_ms=np.array([1_699_999_999_000, 1_700_000_000_000]),
        outcomes=np.array([1, 3], np.uint8),
        event_ids=np.array([31], np.uint64),
        version=2,
        fingerprint=41,
    )
    golden = (Path(__file__).parent / "golden" / "record-2.bin").read_bytes()
    assert encode(record) == golden
    assert_same(record, decode(golden))
