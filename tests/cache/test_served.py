import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.checksum import checksum
from cache.errors import MessageCorrupt
from cache.served import MAX_BYTES, MAX_CANDIDATES, Served, decode, encode
from tests.cache.served_requests import assert_same, make_served

GOLDEN = Path(__file__).parent / "golden" / "served-1.bin"

requests = st.builds(
    make_served,
    st.integers(1, 40),
    request_id=st.text(max_size=40),
    seed=st.integers(0, 1 << 32),
    timestamp_ms=st.integers(-(1 << 63), (1 << 63) - 1),
    dim=st.integers(0, 40),
    tasks=st.sampled_from([("click",), ("click", "conversion")]),
    bare=st.booleans(),
)


@given(requests)
def test_served_request_reads_back_to_the_bit(served: Served) -> None:
    assert_same(decode(encode(served)), served)


@given(requests, st.data())
def test_any_flipped_bit_is_found(served: Served, data: st.DataObject) -> None:
    encoded = bytearray(encode(served))
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MessageCorrupt):
        decode(bytes(encoded))


def test_every_damaged_byte_is_found() -> None:
    whole = encode(make_served())
    for at in range(len(whole)):
        with pytest.raises(MessageCorrupt):
            decode(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])


@given(st.data())
def test_cut_or_lengthened_message_is_found(data: st.DataObject) -> None:
    encoded = encode(make_served())
    for wrong in (encoded[: data.draw(st.integers(0, len(encoded) - 1))], encoded + b"\0"):
        with pytest.raises(MessageCorrupt):
            decode(wrong)


@given(st.binary(max_size=200))
def test_rubbish_is_no_served_request(data: bytes) -> None:
    for rubbish in (data, b"US\x01\0" + data, sealed(data)):
        with pytest.raises(MessageCorrupt):
            decode(rubbish)


def golden() -> Served:
    z = np.arange(8, dtype=np.float32).reshape(2, 4) / 8
    return Served(
        request_id="r-1", user_id="usér", timestamp_ms=1_760_000_000_000, model="student",
        version="0123456789ab", lane="stable", task="click", context={"placement": "feed"},
        item_ids=["a", "b"], position=np.array([-1, 0]), bids=np.array([1.0, 2.5]), values=None,
        tier=np.array([4, 0], np.uint8), age_s=np.array([60.0, 0.0], np.float32), tasks=["click"],
        scores=np.array([[0.25], [0.75]]), logit=np.array([[-1.0], [np.nan]], np.float32),
        coverage={"pair": 0.5, "none": 0.5}, degraded=[("cache", "stale")],
        user_side={"user_categorical": np.array([[3, 1 << 20]])}, candidate_side={"teacher_z": z},
    )  # fmt: skip


def test_golden_message_reads_as_it_was_written() -> None:
    assert_same(decode(GOLDEN.read_bytes()), golden())


def test_message_is_still_written_as_the_golden_one() -> None:
    """Before compression: that is another library's, and may find shorter ways."""
    encoded, held = encode(golden()), GOLDEN.read_bytes()
    assert zlib.decompress(encoded[12:]) == zlib.decompress(held[12:])
    assert encoded[:4] == held[:4]


def sealed(packed: bytes, length: int | None = None) -> bytes:
    """A message with a checksum that fits, whatever it holds."""
    said = len(packed) if length is None else length
    unsigned = b"US\x01\0" + bytes(4) + said.to_bytes(4, "little") + zlib.compress(packed)
    return unsigned[:4] + checksum(unsigned).to_bytes(4, "little") + unsigned[8:]


def changed(field: str, value: Any) -> bytes:
    """A message in which one field is something else, sealed again."""
    fields = list(Served.__struct_fields__)
    packed = msgspec.msgpack.decode(zlib.decompress(encode(make_served())[12:]))
    packed[fields.index(field)] = value
    return sealed(msgspec.msgpack.encode(packed))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("position", ["<i8", [2], bytes(16)]),  # of three candidates
        ("position", ["<i4", [3], bytes(12)]),
        ("scores", ["<f8", [3, 1], bytes(24)]),  # of two tasks
        ("tier", ["|O", [3], bytes(24)]),
        ("logit", ["<f4", [3, -1], bytes(24)]),
        ("logit", ["<f4", [3, 2], bytes(20)]),
        ("item_ids", []),
        ("item_ids", [1, 2, 3]),
        ("user_side", {"history_z": ["<f4", [3, 1], bytes(12)]}),
        ("user_side", {"history_z": ["<f4", [], bytes(4)]}),
        ("candidate_side", {"teacher_z": ["<f4", [3, 1 << 40, 0], b""]}),
        ("candidate_side", {"teacher_z": "<f4"}),
        ("degraded", [["cache"]]),
    ],
)
def test_message_that_contradicts_itself_is_corrupt(field: str, value: Any) -> None:
    with pytest.raises(MessageCorrupt):
        decode(changed(field, value))


def test_message_that_would_inflate_past_what_it_says_is_corrupt() -> None:
    for said in (0, 10, MAX_BYTES, MAX_BYTES + 1):
        with pytest.raises(MessageCorrupt):
            decode(sealed(bytes(4 * MAX_BYTES), said))


def test_unbounded_request_is_not_written() -> None:
    with pytest.raises(ValueError, match="candidates"):
        encode(make_served(MAX_CANDIDATES + 1))
    with pytest.raises(ValueError, match="bytes"):
        encode(make_served(1000, dim=512))


def test_arrays_that_are_views_are_written_as_they_read() -> None:
    served = make_served(4)
    turned = np.asfortranarray(served.candidate_side["teacher_z"])
    every_other = np.repeat(served.tier, 2)[::2]
    view = msgspec.structs.replace(
        served, tier=every_other, candidate_side=served.candidate_side | {"teacher_z": turned}
    )
    assert_same(decode(encode(view)), served)
