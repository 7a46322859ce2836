"""Embeddings as few bytes: half floats, or integers of 8 or 4 bits with one scale a row."""

from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cache.arrays import F32


class Precision(IntEnum):
    """The code in a page's header."""

    FP16 = 0
    INT8 = 1
    INT4 = 2


class Quantised(NamedTuple):
    codes: NDArray[Any]  # [M, d] float16, or int8 for integers of either width
    scale: F32  # [M]; all ones for fp16


_HALF: Final = np.dtype("<f2")
_HALF_MAX: Final = 65504.0
_LARGEST: Final = {Precision.INT8: np.float32(127.0), Precision.INT4: np.float32(7.0)}
"""Codes are symmetric, so that a row and its negative err alike: −128 and −8 are never made."""


def quantise(z: F32, precision: Precision) -> Quantised:
    """Finite `[M, d]` only. scale = max|z| of the row ÷ 127 (int8) or 7 (int4), code =
    round(z ÷ scale), value = code × scale: it errs by at most half a scale."""
    if precision is Precision.FP16:
        codes = np.clip(z, -_HALF_MAX, _HALF_MAX).astype(_HALF)
        return Quantised(codes, np.ones(len(z), np.float32))
    most = _LARGEST[precision]
    largest = np.abs(z).max(axis=1, initial=0.0)
    # A row of zeros keeps scale 1; a row of denormals would underflow to scale 0.
    scale = np.where(largest > 1e-30, largest / most, np.float32(1.0)).astype(np.float32)
    return Quantised(np.clip(np.rint(z / scale[:, None]), -most, most).astype(np.int8), scale)


def restored(codes: NDArray[Any], scale: F32) -> F32:
    """`[n, d]` float32, a new array. The scale of fp16 rows is one: no branch."""
    z: F32 = codes.astype(np.float32)
    z *= scale[:, None]
    return z
