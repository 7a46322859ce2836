"""What is between a log and a model that learns of it: where an item was shown."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as fn


class PositionBias(nn.Module):
    """Additive logit by shown position; trained beside a model, never exported.

    Without it, what was shown first looks good for having been first (PAL, RecSys 2019).
    """

    def __init__(self, tasks: int, positions: int = 64) -> None:
        super().__init__()
        # No embedding: those decay as identities do, and a place is nobody's identity.
        self.bias = nn.Parameter(torch.zeros(positions, tasks))

    def forward(self, position: Tensor) -> Tensor:
        return fn.embedding(position.clamp(0, len(self.bias) - 1), self.bias)


def seeded(seed: int) -> np.random.Generator:
    """Seeds torch and returns numpy's generator: one seed a run."""
    torch.manual_seed(seed)
    return np.random.default_rng(seed)
