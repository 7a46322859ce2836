"""The wire's values, against the client library that speaks them for us."""

from random import Random
from typing import Any

import hiredis
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.frames import Frames, bulk_strings, command_of, flipped

Value = st.recursive(
    st.none() | st.integers(-(2**40), 2**40) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


def encoded(value: Any) -> bytes:
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, bytes):
        return b"$%d\r\n%b\r\n" % (len(value), value)
    return b"*%d\r\n%b" % (len(value), b"".join(map(encoded, value)))


def bulk_of(value: Any) -> list[bytes]:
    if isinstance(value, list):
        return [bulk for inner in value for bulk in bulk_of(inner)]
    return [value] if isinstance(value, bytes) and value else []


@given(st.lists(Value, max_size=4), st.data())
def test_stream_is_cut_where_its_values_end_however_it_arrives(
    values: list[Any], data: st.DataObject
) -> None:
    whole, frames = [encoded(value) for value in values], Frames()
    stream = b"".join(whole)
    at = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    pieces = [stream[a:b] for a, b in zip([0, *at], [*at, len(stream)], strict=True)]
    assert [frame for piece in pieces for frame in frames.feed(piece)] == whole


@given(Value)
def test_bulk_strings_are_those_of_the_value(value: Any) -> None:
    frame = encoded(value)
    assert [frame[begin:end] for begin, end in bulk_strings(frame)] == bulk_of(value)


@given(Value, st.integers(0, 99))
def test_flipping_changes_one_bit_of_each_bulk_string_and_nothing_else(
    value: Any, seed: int
) -> None:
    frame = encoded(value)
    damaged = flipped(frame, Random(seed))
    bits = (int.from_bytes(damaged) ^ int.from_bytes(frame)).bit_count()
    assert len(damaged) == len(frame)
    assert bits == len(bulk_of(value))
    assert [len(bulk) for bulk in bulk_of(read(damaged))] == [len(b) for b in bulk_of(value)]


def read(frame: bytes) -> Any:
    reader = hiredis.Reader()
    reader.feed(frame)
    return reader.gets()


def test_command_is_named_in_capitals() -> None:
    assert command_of(encoded([b"mget", b"a", b"b"])) == b"MGET"
