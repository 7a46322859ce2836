"""Rows of a large table that never changes, and of a small one behind it."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.features.records import I64

D = TypeVar("D", bound=np.generic)


def take(table: NDArray[D], tail: NDArray[D], rows: I64) -> NDArray[D]:
    """Rows of any shape; the first of `tail` has the number `len(table)`."""
    found: NDArray[Any] = table.take(rows, axis=0, mode="clip")
    if len(tail):
        behind = rows >= len(table)
        if np.count_nonzero(behind):
            found[behind] = tail.take(rows[behind] - len(table), axis=0)
    return found
