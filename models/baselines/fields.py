"""Columns as fields of a factorization machine, and the pairs that they form.

n rows, F fields (categorical columns, then numbers), k factors.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.layers.embedding import ColumnEmbedding


class Table(NamedTuple):
    """A design as tensors; numbers standardised."""

    categorical: Tensor  # int64[n, …]
    numbers: Tensor  # float[n, …]


class Embedded(NamedTuple):
    first_order: Tensor  # [n]
    vectors: Tensor  # [n, F, k]


class Fields(nn.Module):
    """A weight and a vector for each value of a column; a number multiplies its own."""

    def __init__(self, buckets: Sequence[int], numbers: int, factors: int) -> None:
        super().__init__()
        self.factors = factors
        self.count = len(buckets) + numbers
        self.weight = ColumnEmbedding(buckets, 1)
        self.vector = ColumnEmbedding(buckets, factors)
        self.number_weight = nn.Linear(numbers, 1)
        self.number_vector = nn.Parameter(torch.randn(numbers, factors) * 0.05)
        nn.init.zeros_(self.weight.table.weight)
        nn.init.zeros_(self.number_weight.weight)

    def start_at(self, rate: float) -> None:
        """The intercept at a base rate, which the few steps of a fit would else be spent on."""
        nn.init.constant_(self.number_weight.bias, math.log(rate / (1.0 - rate)))

    def forward(self, table: Table) -> Embedded:
        weights = self.weight(table.categorical).sum(dim=-1)
        of_keys = self.vector(table.categorical).unflatten(-1, (-1, self.factors))
        of_numbers = table.numbers.unsqueeze(-1) * self.number_vector
        return Embedded(
            weights + self.number_weight(table.numbers).squeeze(-1),
            torch.cat([of_keys, of_numbers], dim=1),
        )


def pairs(vectors: Tensor) -> Tensor:
    """Sum of the dot products of all pairs of fields `[n]`, in linear time (Rendle 2010, eq. 5)."""
    square_of_sum = vectors.sum(dim=1).square()
    sum_of_squares = vectors.square().sum(dim=1)
    return 0.5 * (square_of_sum - sum_of_squares).sum(dim=-1)
