"""How good probabilities p `float64[n]` are, given labels y `int8[n]` in {0, 1}."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import log_loss, roc_auc_score

from models.features.records import F64

Labels = NDArray[np.int8]
CALIBRATION_BINS = 20
Losses = TypeVar("Losses", float, F64)


def quality(p: F64, y: Labels, users: NDArray[np.int64] | None = None) -> dict[str, float]:
    """All of them by name; what cannot be computed (one class only) is left out."""
    if len(y) == 0 or y.min() == y.max():
        return {}
    p = np.clip(p, 1e-7, 1.0 - 1e-7)
    loss = float(log_loss(y, p))
    found = {
        "auc": float(roc_auc_score(y, p)),
        "log_loss": loss,
        "normalised_entropy": loss / entropy(float(y.mean())),
        "calibration_error": calibration_error(p, y),
        "calibration_ratio": float(p.sum() / y.sum()),
    }
    if users is not None:
        found["user_auc"] = user_auc(p, y, users)
    return found


def entropy(rate: float) -> float:
    """Nats of a coin that falls heads at this rate: the log loss of knowing only the rate."""
    return float(-rate * np.log(rate) - (1.0 - rate) * np.log(1.0 - rate))


def calibration_error(p: F64, y: Labels) -> float:
    """Expected |mean p − mean y| over bins of equal count."""
    bins = np.array_split(np.argsort(p, kind="stable"), CALIBRATION_BINS)
    gaps = [len(rows) * abs(p[rows].mean() - y[rows].mean()) for rows in bins if len(rows)]
    return float(sum(gaps) / len(p))


def user_auc(p: F64, y: Labels, users: NDArray[np.int64]) -> float:
    """AUC within each user who has both classes, weighted by impressions; NaN without any.

    NOTE: biased against models that read fresh history: given that a user has both classes, one
    more positive in the history makes the other rows likelier to be negatives.
    """
    order = np.argsort(users, kind="stable")
    edges = np.flatnonzero(np.diff(users[order])) + 1
    weighted, weights = 0.0, 0
    for rows in np.split(order, edges):
        positives = int(y[rows].sum())
        negatives = len(rows) - positives
        if positives and negatives:
            ranks = rankdata(p[rows])[y[rows] == 1].sum()
            area = (ranks - positives * (positives + 1) / 2) / (positives * negatives)
            weighted, weights = weighted + area * len(rows), weights + len(rows)
    return weighted / weights if weights else float("nan")


def transfer_ratio(alone: Losses, cached: Losses, teacher: Losses) -> Losses:
    """Share of the teacher's gain in log loss that the student with cache reaches."""
    return (alone - cached) / (alone - teacher)
