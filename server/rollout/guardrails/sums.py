"""The sums of a lane: of fixed size, additive over processes and windows.

As bytes, little-endian: magic "UG" (2), version (u16), checksum (u32), then WIDTH × f64. Counts are
exact up to 2⁵³.
"""

from struct import Struct
from typing import Final, Self

import numpy as np

from cache.arrays import LE_F64
from cache.checksum import checksum
from models.features.records import F64
from server.rollout.guardrails.errors import SumsUnreadable
from server.rollout.guardrails.layout import GROUPED, GROUPS, VERSION, WIDTH, Part

_HEAD: Final = Struct("<2sHI")
_MAGIC: Final = b"UG"
SIZE: Final = _HEAD.size + 8 * WIDTH


class Sums:
    """Of one lane, or of many at once: a test works alike on `[WIDTH]` and `[…, WIDTH]`."""

    __slots__ = ("held",)

    def __init__(self, held: F64 | None = None) -> None:
        """Takes `held` as it is, and does not copy it."""
        self.held: F64 = np.zeros(WIDTH) if held is None else held

    def __add__(self, other: Self) -> "Sums":
        return Sums(self.held + other.held)

    def one(self, part: Part) -> F64:
        """`[…]` of a part of size 1."""
        values: F64 = self.held[..., part.start]
        return values

    def many(self, part: Part) -> F64:
        """`[…, size]`, a view."""
        values: F64 = self.held[..., part.start : part.start + part.size]
        return values

    def grouped(self, column: int) -> F64:
        """`[…, GROUPS]`, a view."""
        start = GROUPED.start + column * GROUPS
        values: F64 = self.held[..., start : start + GROUPS]
        return values

    def encode(self) -> bytes:
        """Of one lane."""
        body = self.held.astype(LE_F64).tobytes()
        sealed = checksum(_HEAD.pack(_MAGIC, VERSION, 0) + body)
        return _HEAD.pack(_MAGIC, VERSION, sealed) + body

    @classmethod
    def decode(cls, data: bytes) -> Self:
        if len(data) != SIZE:
            raise SumsUnreadable(f"sums of {len(data)} bytes: version {VERSION} has {SIZE}")
        magic, version, sealed = _HEAD.unpack_from(data)
        if (magic, version) != (_MAGIC, VERSION):
            raise SumsUnreadable(
                f"sums of version {version}: leave them, and count version {VERSION}"
            )
        if sealed != checksum(data):
            raise SumsUnreadable(
                f"sums with checksum {checksum(data):08x}, not {sealed:08x}: leave them"
            )
        held = np.frombuffer(data, LE_F64, offset=_HEAD.size).astype(np.float64)
        if not (np.isfinite(held) & (held >= 0.0)).all():
            raise SumsUnreadable("sums with a negative or infinite count: leave them")
        return cls(held)
