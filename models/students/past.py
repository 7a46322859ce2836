"""What a teacher said of the user's past as a student's inputs, as LoopFM (arXiv 2605.29280) has
it: by sum or by attention. models.students.matches reads more of it.

R requests, N candidates, L events, d width of z, H hidden width. All start at zero: the past counts
for what was learnt of it.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.inputs import Inputs
from models.layers.sequence_pool import SequenceAttention, SequenceSum
from models.schema import FeatureSchema

ATTENDED = 16
"""Width of what a candidate reads by attention."""


class _Entries(NamedTuple):
    z: Tensor  # [R, L, d]
    age: Tensor  # [R, L] log(1 + seconds) / 10
    live: Tensor  # bool[R, L]

    @classmethod
    def of(cls, inputs: Inputs) -> "_Entries":
        assert inputs.history_z is not None
        assert inputs.history_said is not None
        return cls(inputs.history_z, inputs.history_gap, inputs.history_said > 0)


class SummedPast(nn.Module):
    """Into the hidden layer once a request: a candidate pays nothing for it."""

    def __init__(self, features: FeatureSchema, hidden: int) -> None:
        super().__init__()
        self.pool = SequenceSum(features.teacher_dim, hidden)
        nn.init.zeros_(self.pool.entry.weight)
        nn.init.zeros_(self.pool.entry.bias)

    def forward(self, inputs: Inputs) -> Tensor:
        """`[R, H]`"""
        pooled: Tensor = self.pool(*_Entries.of(inputs))
        return pooled


class AttendedPast(nn.Module):
    """Side by side with what else is known of a candidate."""

    def __init__(self, features: FeatureSchema, candidate_width: int, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(candidate_width, ATTENDED)
        self.attention = SequenceAttention(features.teacher_dim, ATTENDED)
        self.into = nn.Linear(ATTENDED, hidden, bias=False)
        nn.init.zeros_(self.into.weight)

    def forward(self, inputs: Inputs, candidate: list[Tensor]) -> Tensor:
        """`[N, 16]`, what `into.weight` `[H, 16]` reads."""
        query_nd = self.query(torch.cat(candidate, -1))
        groups = (inputs.group_rows, inputs.group_place)
        read: Tensor = self.attention(query_nd, *_Entries.of(inputs), *groups)
        return read
