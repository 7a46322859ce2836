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

    A z of this very item and a mean over others are different statements, so each has weights of
    its own. All start at zero: a hint counts for what was learnt of it. The shortcut sees only what
    is said of the item.
    """

    is_of_item: Tensor
    tiers: Tensor

    def __init__(self, features: FeatureSchema, hidden: int) -> None:
        super().__init__()
        tasks, dim = len(features.log.tasks), features.teacher_dim
        # No embedding: those decay as identities do, and a tier is nobody's identity.
        self.tier = nn.Linear(len(TIERS), hidden, bias=False)
        self.into = nn.Linear(2 * dim + tasks + 2, hidden, bias=False)
        self.past = nn.Linear(dim + tasks, tasks, bias=False)
        nn.init.zeros_(self.tier.weight)
        nn.init.zeros_(self.into.weight)
        nn.init.zeros_(self.past.weight)
        # Looked up: one gather each in the graph, where comparing takes three operations.
        about_item = [float(tier > TIERS.index("user")) for tier in range(len(TIERS))]
        self.register_buffer("is_of_item", torch.tensor(about_item).unsqueeze(1), persistent=False)
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
        is_of_item = fn.embedding(tier, self.is_of_item)
        of_item = torch.cat([z * is_of_item, logit / 4.0], dim=-1)
        one_hot = fn.embedding(tier, self.tiers)
        described = [of_item, z * (1.0 - is_of_item), state, one_hot]
        return Said(described, self.past(of_item))
