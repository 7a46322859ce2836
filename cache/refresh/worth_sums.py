"""The transfer ratio from running sums, in total and by slice, with its interval.

TR = Σ(LL_masked − LL_with) ÷ Σ(LL_masked − LL_teacher) over shown candidates, on log loss. Rows of
one user depend on each other, so that users are what is drawn: each falls into one of GROUPS random
groups, and the variance of the ratio of their sums is that of the delta method over groups
(Deng, Knoblich & Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, section 3; random
groups: Wolter, "Introduction to Variance Estimation", chapter 2). The memory is bounded, and two
readings of the sums subtract to what came between.
"""

import math
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import xxhash

from cache.arrays import F32, F64, U8, Mask
from cache.worth_summary import Worth
from models.schema import TIERS

GROUPS: Final = 256
FEWEST_GROUPS: Final = 20
"""With fewer that hold anybody, no interval is given."""
Z: Final = 1.96
AGES_S: Final = (0.0, 60.0, 600.0, 3600.0, 21_600.0, math.inf)
ALL: Final = "all"
SLICES: Final = (
    ALL,
    *(f"tier:{tier}" for tier in TIERS),
    *(f"age:{low:g}-{high:g}" for low, high in pairwise(AGES_S)),
)
_CLIP: Final = 1e-7


class Rows(NamedTuple):
    """Shown candidates of one user, with what became of them."""

    label: Mask  # [n]
    with_hints: F64  # [n] probabilities
    masked: F64
    teacher: F64
    tier: U8
    age_s: F32


class Sums:
    def __init__(self) -> None:
        self.held: F64 = np.zeros((GROUPS, len(SLICES), 4))
        """By group and slice: candidates, then log loss with hints, masked, and of the teacher."""

    def add(self, user_id: str, rows: Rows) -> None:
        group = xxhash.xxh3_64_intdigest(user_id.encode(), seed=1) % GROUPS
        losses = [log_loss(p, rows.label) for p in (rows.with_hints, rows.masked, rows.teacher)]
        values = np.stack([np.ones(len(rows.label)), *losses], axis=1)
        self.held[group] += _members(rows).T @ values

    def worth(self) -> dict[str, Worth]:
        """Of every slice that holds anything."""
        found = {name: worth_of(self.held[:, place]) for place, name in enumerate(SLICES)}
        return {name: worth for name, worth in found.items() if worth.candidates}

    def losses(self) -> F64:
        """`[S, 4]` of all groups together."""
        total: F64 = self.held.sum(axis=0)
        return total


def log_loss(probability: F64, label: Mask) -> F64:
    """`[n]` nats."""
    clipped = np.clip(probability, _CLIP, 1.0 - _CLIP)
    loss: F64 = -np.log(np.where(label, clipped, 1.0 - clipped))
    return loss


def worth_of(groups: F64) -> Worth:
    """Of `[G, 4]` sums. No ratio where the teacher's lead is within its own error of none."""
    groups = groups[groups[:, 0] > 0]
    count, candidates = len(groups), round(groups[:, 0].sum())
    gained, lead = groups[:, 2] - groups[:, 1], groups[:, 2] - groups[:, 3]
    if count < FEWEST_GROUPS:
        return Worth(candidates, None, None, None)
    scale = count / (count - 1)
    lead_error = math.sqrt(scale * float(((lead - lead.mean()) ** 2).sum()))
    total = float(lead.sum())
    if total <= Z * lead_error:
        return Worth(candidates, None, None, None)
    ratio = float(gained.sum()) / total
    error = math.sqrt(scale * float(((gained - ratio * lead) ** 2).sum())) / total
    return Worth(candidates, ratio, ratio - Z * error, ratio + Z * error)


def _members(rows: Rows) -> F64:
    """`[n, S]` 1 where a candidate is of a slice."""
    members = np.zeros((len(rows.label), len(SLICES)))
    every = np.arange(len(members))
    members[:, 0] = 1.0
    members[every, 1 + rows.tier.astype(np.int64)] = 1.0
    hinted = np.flatnonzero(rows.tier > 0)
    bucket = np.searchsorted(AGES_S[1:-1], rows.age_s[hinted])
    members[hinted, 1 + len(TIERS) + bucket] = 1.0
    return members
