"""Embeddings as few bytes: half floats, or 8-bit integers with one scale a row."""

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cache.arrays import F32


class Precision(IntEnum):
    """The code in a page's header."""

    FP16 = 0
    INT8 = 1


class Quantised(NamedTuple):
    codes: NDArray[Any]  # [M, d] float16 or int8
    scale: F32  # [M]; all ones for fp16


DTYPES: dict[Precision, np.dtype[Any]] = {
    Precision.FP16: np.dtype("<f2"),
    Precision.INT8: np.dtype("i1"),
}
PRECISIONS = tuple(Precision)
"""By code."""
_HALF_MAX = 65504.0


def quantise(z: F32, precision: Precision) -> Quantised:
    """Finite `[M, d]` only. int8 errs by at most half a scale, max|z| / 254 of a row."""
    if precision is Precision.FP16:
        codes = np.clip(z, -_HALF_MAX, _HALF_MAX).astype(DTYPES[precision])
        return Quantised(codes, np.ones(len(z), np.float32))
    largest = np.abs(z).max(axis=1, initial=0.0)
    # A row of zeros keeps scale 1; a row of denormals would underflow to scale 0.
    scale = np.where(largest > 1e-30, largest / np.float32(127.0), np.float32(1.0))
    scale = scale.astype(np.float32)
    return Quantised(np.clip(np.rint(z / scale[:, None]), -127, 127).astype(np.int8), scale)


def restored(codes: NDArray[Any], scale: F32) -> F32:
    """`[n, d]` float32, a new array. The scale of fp16 rows is one: no branch."""
    z: F32 = codes.astype(np.float32)
    z *= scale[:, None]
    return z
