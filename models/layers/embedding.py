"""Several categorical columns in one table, so that a row of F columns is one gather."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ColumnEmbedding(nn.Module):
    """`int64[…, F]` bucket numbers → `float[…, F · dim]`; bucket 0 ("missing") is learned too."""

    offsets: Tensor

    def __init__(self, buckets: Sequence[int], dim: int) -> None:
        super().__init__()
        starts = [sum(buckets[:column]) for column in range(len(buckets))]
        self.register_buffer("offsets", torch.tensor(starts), persistent=False)
        self.table = nn.Embedding(sum(buckets), dim)
        self.width = len(buckets) * dim
        nn.init.normal_(self.table.weight, std=0.05)

    def forward(self, rows: Tensor) -> Tensor:
        embedded: Tensor = self.table(rows + self.offsets)
        return embedded.flatten(-2)
