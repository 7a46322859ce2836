"""The teacher's word as a student's inputs.

N candidates, H hidden width, T tasks.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.inputs import Inputs
from models.schema import TIERS, FeatureSchema


class Said(NamedTuple):
    described: list[Tensor]  # [N, …] each, side by side what HintLayer.weight reads
    shortcut: Tensor  # [N, T]


class HintLayer(nn.Module):
    """The teacher's z, logit, tier and age into the hidden layer, and a linear shortcut.

    What is said of this very pair and what a lower tier lends are different statements, so each
    tier has weights of its own. All start at zero: a hint counts for what was learnt of it. The
    shortcut sees only what is said of the pair.
    """

    is_read: Tensor
    tiers: Tensor

    def __init__(self, features: FeatureSchema, hidden: int) -> None:
        super().__init__()
        tasks, dim = len(features.log.tasks), features.teacher_dim
        read = ("pair", *features.teacher_tiers)
        # No embedding: those decay as identities do, and a tier is nobody's identity.
        self.tier = nn.Linear(len(TIERS), hidden, bias=False)
        self.into = nn.Linear(len(read) * dim + tasks + 2, hidden, bias=False)
        self.past = nn.Linear(dim + tasks, tasks, bias=False)
        nn.init.zeros_(self.tier.weight)
        nn.init.zeros_(self.into.weight)
        nn.init.zeros_(self.past.weight)
        # Looked up: one gather each in the graph, where comparing takes three operations.
        is_read = [[float(tier == name) for name in read] for tier in TIERS]
        self.register_buffer("is_read", torch.tensor(is_read), persistent=False)
        self.register_buffer("tiers", torch.eye(len(TIERS)), persistent=False)

    def weight(self) -> Tensor:
        """`[H, …]` of what forward describes."""
        return torch.cat([self.into.weight, self.tier.weight], 1)

    def forward(self, inputs: Inputs) -> Said:
        z, logit = inputs.teacher_z, inputs.teacher_logit
        tier, state = inputs.teacher_tier, inputs.teacher_state
        assert z is not None
        assert logit is not None
        assert tier is not None
        assert state is not None
        by_tier = (z.unsqueeze(1) * fn.embedding(tier, self.is_read).unsqueeze(-1)).flatten(1)
        logit = logit / 4.0
        of_pair = torch.cat([by_tier[:, : z.shape[1]], logit], dim=-1)
        one_hot = fn.embedding(tier, self.tiers)
        return Said([by_tier, logit, state, one_hot], self.past(of_pair))
