import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.tracing.context import MAX_STATE_BYTES, Parent, parent_of, state_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
READ = Parent(int(TRACE, 16), int(SPAN, 16), True)


def headers(*parents: str) -> list[tuple[bytes, bytes]]:
    return [(b"accept", b"*/*"), *((b"traceparent", each.encode()) for each in parents)]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (f"00-{TRACE}-{SPAN}-01", READ),
        (f"00-{TRACE}-{SPAN}-00", READ._replace(is_sampled=False)),
        (f"00-{TRACE}-{SPAN}-02", READ._replace(is_sampled=False)),
        (f"00-{TRACE}-{SPAN}-03", READ),
        (f"cc-{TRACE}-{SPAN}-01", READ),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", READ),
    ],
)
def test_a_parent_is_read_by_the_standard(given: str, read: Parent) -> None:
    assert parent_of(headers(given)) == read


@pytest.mark.parametrize(
    "given",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1g",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_what_is_no_parent_is_none(given: str) -> None:
    assert parent_of(headers(given)) is None


def test_of_two_parents_neither_counts() -> None:
    assert parent_of(headers(f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01")) is None
    assert parent_of(headers()) is None


@given(st.binary(max_size=80))
def test_whatever_comes_is_read_or_not(given: bytes) -> None:
    read = parent_of([(b"traceparent", given)])
    assert read is None or (0 < read.trace_id < 1 << 128 and 0 < read.span_id < 1 << 64)


def test_state_comes_in_one_piece_or_several() -> None:
    assert state_of([(b"tracestate", b"a=1"), (b"x", b"y"), (b"tracestate", b"b=2")]) == "a=1,b=2"
    assert state_of([]) == ""


@pytest.mark.parametrize("state", [b"a=\xff", b"a=1\tb", b"a=" + b"1" * MAX_STATE_BYTES])
def test_state_that_is_unfit_is_not_passed_on(state: bytes) -> None:
    assert state_of([(b"tracestate", state)]) == ""
