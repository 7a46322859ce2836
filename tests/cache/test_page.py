from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.checksum import checksum
from cache.entries import Aggregate, Entries, aggregate_of
from cache.errors import PageCorrupt
from cache.page import MAX_ENTRIES, decode, encode, page_bytes
from cache.quantise import Precision
from cache.sequence import MAX_AGE_MS, MAX_SEQUENCE, PastSequence, no_sequence
from cache.stamp import stamp_of
from tests.cache.pages import NOW_MS, page_bytes_of, page_of, random_entries, random_sequence

GOLDEN = Path(__file__).parent / "golden"
PRECISIONS = pytest.mark.parametrize("precision", list(Precision))


@st.composite
def entries(draw: st.DrawFn) -> Entries:
    count, dim, tasks = draw(st.integers(0, 40)), draw(st.integers(1, 33)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    return Entries.of(
        rng.integers(0, 1 << 64, count, np.uint64, endpoint=False)
        if count
        else np.zeros(0, np.uint64),
        NOW_MS - rng.integers(0, MAX_AGE_MS, count),
        rng.normal(0.0, 5.0, (count, tasks)).astype(np.float32),
        (rng.normal(size=(count, dim)) * draw(st.floats(0.0, 100.0))).astype(np.float32),
        draw(st.sampled_from(Precision)),
    )


@given(entries(), st.integers(0, 20), st.integers(1, 1 << 53), st.integers(0, 1 << 53))
def test_page_reads_back_as_it_was_written(
    made: Entries, length: int, version: int, fence: int
) -> None:
    past = random_sequence(length, dim=made.codes.shape[1])
    data = encode(made, aggregate_of(made), past, version=version, fence=fence)
    page = decode(data)
    for written, read in zip(made, page.entries(), strict=True):
        np.testing.assert_array_equal(read, written)
    assert (page.version, page.fence) == (version, fence) == stamp_of(data)
    assert page.aggregate.pairs == len(made.pair_keys)
    np.testing.assert_array_equal(page.aggregate.z, aggregate_of(made).z)
    for written, read in zip(past, page.sequence, strict=True):
        np.testing.assert_array_equal(read, written)


@given(entries(), st.data())
def test_any_flipped_bit_is_found(made: Entries, data: st.DataObject) -> None:
    encoded = bytearray(page_bytes_of(made))
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PageCorrupt):
        decode(bytes(encoded))


@PRECISIONS
def test_any_damaged_byte_is_found(precision: Precision) -> None:
    whole = (GOLDEN / f"page-3-{precision.name.lower()}.bin").read_bytes()
    changed = [
        whole[:at] + bytes([byte]) + whole[at + 1 :]
        for at in range(len(whole))
        for byte in {0, 0xFF, whole[at] ^ 1, whole[at] ^ 0x80, whole[at] ^ 0x10} - {whole[at]}
    ]
    assert [data for data in changed if is_page(data)] == []
    assert is_page(whole)


def is_page(data: bytes) -> bool:
    try:
        decode(data)
    except PageCorrupt:
        return False
    return True


@given(entries(), st.data())
def test_cut_page_is_found(made: Entries, data: st.DataObject) -> None:
    encoded = page_bytes_of(made)
    with pytest.raises(PageCorrupt):
        decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])
    with pytest.raises(PageCorrupt):
        decode(encoded + b"\0")


@given(st.binary(max_size=300))
def test_rubbish_is_no_page(data: bytes) -> None:
    for rubbish in (data, b"UP\x01\x01" + data):
        with pytest.raises(PageCorrupt):
            decode(rubbish)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (44, (1 << 32) - 1),
        (44, MAX_ENTRIES + 1),
        (48, 0xFFFF),
        (50, 0),
        (50, 5),
        (51, MAX_SEQUENCE + 1),
        (2, 1),
        (3, 7),
    ],
)
def test_header_beyond_the_bounds_is_refused_with_a_valid_checksum(at: int, value: int) -> None:
    encoded = bytearray(page_bytes_of(random_entries(3)))
    width = {44: 4, 48: 2, 51: 2}.get(at, 1)
    encoded[at : at + width] = value.to_bytes(width, "little")
    encoded[4:8] = checksum(bytes(encoded)).to_bytes(4, "little")
    with pytest.raises(PageCorrupt):
        decode(bytes(encoded))


@pytest.mark.parametrize(("precision", "limit"), [(Precision.INT8, 60), (Precision.INT4, 40)])
def test_entry_takes_few_bytes_at_dim_32(precision: Precision, limit: int) -> None:
    for tasks in (1, 2):
        sizes = [page_bytes(count, 32, tasks, precision) for count in (300, 301)]
        assert sizes[1] - sizes[0] <= limit
    page = page_bytes_of(random_entries(300, precision=precision))
    assert len(page) <= 300 * limit + 64 + 4 * 32


@PRECISIONS
def test_format_does_not_change_unnoticed(precision: Precision) -> None:
    """Other bytes need a new FORMAT_VERSION: the pages of a running fleet look like these files."""
    made = Entries.of(
        np.array([7, 3, 1 << 63], np.uint64),
        np.array([NOW_MS, NOW_MS - 5, NOW_MS - 60_000], np.int64),
        np.array([[0.5, -1.5], [2.0, 0.0], [-3.25, 1.0]], np.float32),
        np.array([[0.5, -1.0], [0.25, 0.125], [0.0, 0.0]], np.float32),
        precision,
    )
    golden = (GOLDEN / f"page-3-{precision.name.lower()}.bin").read_bytes()
    past = PastSequence(
        NOW_MS - 7, np.array([90_000, 0], np.uint32), np.array([[0x71], [0x8F]], np.uint8)
    )
    assert encode(made, aggregate_of(made), past, version=9, fence=4) == golden
    read = decode(golden)
    np.testing.assert_array_equal(read.pair_keys, [3, 7, 1 << 63])
    np.testing.assert_array_equal(read.sequence.at_ms(), [NOW_MS - 90_007, NOW_MS - 7])


@PRECISIONS
def test_entry_too_old_for_the_format_is_left_out(precision: Precision) -> None:
    made = random_entries(2, precision=precision)
    made.computed_at_ms[0] -= MAX_AGE_MS + 1
    assert page_of(made).pair_keys.tolist() == [20]


def test_page_that_exceeds_a_bound_is_not_written() -> None:
    with pytest.raises(ValueError, match="exceeds"):
        page_bytes_of(random_entries(MAX_ENTRIES + 1, dim=1, tasks=1))


def test_empty_page_is_a_page() -> None:
    empty = random_entries(0)
    page = decode(
        encode(
            empty, Aggregate(np.zeros(32, np.float32), 0, 0), no_sequence(32), version=1, fence=0
        )
    )
    assert len(page.pair_keys) == 0
    assert page.dim == 32


def test_sequence_entry_takes_20_bytes_at_dim_32() -> None:
    lengths = [page_bytes(0, 32, 2, Precision.INT8, length) for length in (50, 51)]
    assert lengths[1] - lengths[0] == 20


def test_sequence_that_exceeds_its_bound_is_not_written() -> None:
    with pytest.raises(ValueError, match="exceeds"):
        page_bytes_of(random_entries(1), sequence=random_sequence(MAX_SEQUENCE + 1))
