"""One table's columns as the numbers that a model reads."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.features.records import F32, I64, U64
from models.schema import Column, categorical, numbers

I32 = NDArray[np.int32]
_ONE = np.uint64(1)


class EncodedColumns(NamedTuple):
    """Rows of a table, encoded once so that a request only gathers them."""

    categorical: I32  # [rows, F] embedding rows
    numbers: F32  # [rows, G]


class Encoding(NamedTuple):
    """One table's columns as array constants, made once for a schema."""

    sizes: U64  # [F] rows of each embedding but the first, which stands for "missing"
    mean: F32  # [G]
    scale: F32  # [G]

    @classmethod
    def of(cls, columns: tuple[Column, ...]) -> Self:
        keyed, numeric = categorical(columns), numbers(columns)
        return cls(
            np.array([column.buckets - 1 for column in keyed], np.uint64),
            np.array([column.mean for column in numeric], np.float32),
            np.array([column.scale for column in numeric], np.float32),
        )

    def encoded(self, columns: U64, numbers: F32) -> EncodedColumns:
        return EncodedColumns(self.buckets(columns).astype(np.int32), self.scaled(numbers))

    def buckets(self, keys: U64) -> I64:
        """`[…, F]` value keys → embedding rows; key 0 (missing) → 0."""
        rows = keys % self.sizes
        rows += _ONE
        rows *= keys != 0
        return rows.view(np.int64)

    def scaled(self, values: F32) -> F32:
        """`[…, G]` raw numbers → signed log1p, standardised; NaN → 0."""
        squeezed: F32 = np.sign(values)
        squeezed *= np.log1p(np.abs(values))
        squeezed -= self.mean
        squeezed /= self.scale
        np.copyto(squeezed, 0.0, where=np.isnan(squeezed))
        return squeezed
