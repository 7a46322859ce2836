"""W3C Trace Context: which trace a request belongs to, by its caller's headers."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

Headers = Iterable[tuple[bytes, bytes]]

PARENT: Final = b"traceparent"
STATE: Final = b"tracestate"
MAX_STATE_BYTES: Final = 512
"""What everybody is to pass on at least; what is longer is not passed on."""
_FORM: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]*")
_IS_SAMPLED: Final = 1


class Parent(NamedTuple):
    """The span of the caller's."""

    trace_id: int
    span_id: int
    is_sampled: bool


def parent_of(headers: Headers) -> Parent | None:
    """None without one that can be read: then the trace begins here."""
    given: bytes | None = None
    for name, value in headers:
        if name == PARENT:
            if given is not None:
                return None  # which of the two is anybody's guess
            given = value
    return None if given is None else _read(given)


def _read(given: bytes) -> Parent | None:
    found = _FORM.fullmatch(given)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return None
    parent = Parent(int(trace_id, 16), int(span_id, 16), bool(int(flags, 16) & _IS_SAMPLED))
    return parent if parent.trace_id and parent.span_id else None


def state_of(headers: Headers) -> str:
    """What tracing systems on the way have noted, for those to come; empty without."""
    joined = b",".join(value for name, value in headers if name == STATE)
    is_fit = len(joined) <= MAX_STATE_BYTES and _PRINTABLE.fullmatch(joined)
    return joined.decode("ascii") if is_fit else ""
