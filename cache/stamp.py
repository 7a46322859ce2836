"""The 24 bytes that every versioned value begins with, as compare-and-set reads them."""

from struct import Struct
from typing import Final, NamedTuple

_STAMP: Final = Struct("<8xQQ")
MAX_STAMP: Final = 1 << 53
"""Lua's numbers are doubles: a larger version or fence marks bytes that are not ours."""


class Stamp(NamedTuple):
    version: int
    fence: int


ABSENT: Final = Stamp(0, 0)


def stamp_of(value: bytes | None) -> Stamp:
    """Version and fence of a stored value; of a missing or foreign one, those of nothing."""
    if value is None or len(value) < _STAMP.size or value[:1] != b"U":
        return ABSENT
    stamp = Stamp(*_STAMP.unpack_from(value))
    return ABSENT if max(stamp) > MAX_STAMP else stamp
