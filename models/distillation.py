"""What is between a log and a model that learns of it: shown positions, and a cache that often has
nothing."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.features.records import I64, Hints
from models.schema import TIERS


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


def dropped(pair: Hints, aggregate: Hints, rng: np.random.Generator) -> Hints:
    """Hints of a cache that lost a random share of its pairs and, apart from that, of its users.

    Each share is drawn uniformly over 0–100 % once a batch, so that a miss is ordinary. Where the
    pair is gone the user's aggregate stands in; where that is gone too, nothing.
    """
    keep_pair = (pair.tier > 0) & (rng.random(len(pair.tier)) < rng.random())
    keep_user = (aggregate.tier > 0) & (rng.random(len(pair.tier)) < rng.random())
    return laddered(pair, aggregate, keep_pair, keep_user)


def at_coverage(
    pair: Hints, aggregate: Hints, share: float, tiers: bool, rng: np.random.Generator
) -> Hints:
    """Hints with this share of the pairs there, and every user's aggregate or none of them."""
    keep_pair = (pair.tier > 0) & (rng.random(len(pair.tier)) < share)
    keep_user = (aggregate.tier > 0) & tiers
    return laddered(pair, aggregate, keep_pair, keep_user)


def as_held(pair: Hints, aggregate: Hints, held: I64) -> Hints:
    """Hints of the tiers that a replayed cache had, codes of models.schema.TIERS."""
    return laddered(pair, aggregate, held == TIERS.index("pair"), held == TIERS.index("user"))


def laddered(
    pair: Hints,
    aggregate: Hints,
    keep_pair: np.ndarray[tuple[int], np.dtype[np.bool_]],
    keep_user: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> Hints:
    """pair → user → none, as the cache resolves it at serving."""
    column = keep_pair[:, None]
    fallback = keep_user[:, None]
    return Hints(
        np.where(column, pair.z, np.where(fallback, aggregate.z, np.float32(0.0))),
        np.where(column, pair.logit, np.float32(0.0)),
        np.where(
            keep_pair,
            TIERS.index("pair"),
            np.where(keep_user, TIERS.index("user"), TIERS.index("none")),
        ).astype(np.int64),
        np.where(keep_pair, pair.age_s, np.where(keep_user, aggregate.age_s, np.float32(0.0))),
    )


def seeded(seed: int) -> np.random.Generator:
    """Seeds torch and returns numpy's generator: one seed a run."""
    torch.manual_seed(seed)
    return np.random.default_rng(seed)
