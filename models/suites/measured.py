"""One variant under one seed on the test window, and how far apart two of them are.

n impressions of the test window, of one task.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features.records import F64, I64
from models.metrics import quality

METRICS: Final = ("auc", "user_auc", "log_loss", "normalised_entropy", "calibration_error")
DRAWS: Final = 500
EPSILON: Final = 1e-7


class Truth(NamedTuple):
    """What every variant is measured against."""

    labels: NDArray[np.int8]  # [n] 0 or 1
    users: I64  # [n]


class Measured(NamedTuple):
    """One variant, by seed; each array `[n]` of calibrated probabilities."""

    name: str
    answers: Sequence[F64]

    def metric(self, name: str, truth: Truth) -> F64:
        """`[seeds]`"""
        found = [quality(p, truth.labels, truth.users)[name] for p in self.answers]
        return np.array(found, np.float64)

    def losses(self, truth: Truth) -> F64:
        """`[n]` log loss of each impression, the mean over seeds."""
        losses: F64 = np.mean([_losses(p, truth.labels) for p in self.answers], axis=0)
        return losses


class Difference(NamedTuple):
    """Mean over impressions of the reference's loss − the variant's: above 0 is better."""

    gain: float
    low: float  # 2.5th and 97.5th percentile of a bootstrap that draws users
    high: float


def gain(variant: Measured, reference: Measured, truth: Truth, seed: int = 0) -> Difference:
    """Paired: both lost on the same impressions of the same users."""
    by_impression = reference.losses(truth) - variant.losses(truth)
    drawn = _bootstrap(by_impression, truth.users, seed)
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return Difference(float(by_impression.mean()), low, high)


def _losses(p: F64, labels: NDArray[np.int8]) -> F64:
    p = np.clip(p, EPSILON, 1.0 - EPSILON)
    losses: F64 = -np.where(labels == 1, np.log(p), np.log1p(-p))
    return losses


def _bootstrap(values: F64, users: I64, seed: int) -> F64:
    """`[DRAWS]` means over users drawn with replacement: a user's impressions come together."""
    _, index = np.unique(users, return_inverse=True)
    total, count = np.bincount(index, values), np.bincount(index)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(count), (DRAWS, len(count)))
    means: F64 = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return means
