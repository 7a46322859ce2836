"""Integers of 4 bits, two's complement, two to a byte, the low nibble first."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cache.arrays import I8, U8


def joined(codes: I8) -> U8:
    """`[M, d]` of −8 … 7 → `[M, ⌈d/2⌉]`; odd d ends in a zero."""
    nibbles: U8 = codes.view(np.uint8) & np.uint8(0x0F)
    packed = nibbles[:, 0::2].copy()
    odd = nibbles[:, 1::2]
    packed[:, : odd.shape[1]] |= odd << np.uint8(4)
    return packed


def split(packed: U8, dim: int) -> I8:
    """`[M, ⌈d/2⌉]` → `[M, d]`: a new array, or a view on one where d is odd."""
    return _PAIRS.take(packed).view(np.int8)[:, :dim]


def _pairs() -> NDArray[np.uint16]:
    """`[256]`: the two integers of every byte as one word, which `take` moves in one go."""
    byte = np.arange(256)
    nibbles = np.stack([byte & 0x0F, byte >> 4], axis=1)
    # Flipping the sign bit and subtracting its worth extends the sign.
    return ((nibbles ^ 8) - 8).astype(np.int8).view(np.uint16).ravel()


_PAIRS: Final = _pairs()
