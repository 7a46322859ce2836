"""Quality of scores against labels, in numpy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
EPSILON = 1e-7


class Quality(NamedTuple):
    auc: float
    user_auc: float  # mean over users with both outcomes, weighted by impressions
    log_loss: float
    normalised_entropy: float  # log loss over that of always saying the base rate
    calibration: float  # predicted positives over actual ones
    calibration_error: float  # mean |predicted − actual| over ten bins of equal size


def measure(scores: F64, labels: F64, users: NDArray[np.int64]) -> Quality:
    """All arrays `[impressions]`."""
    loss = log_loss(scores, labels)
    base = log_loss(np.full(len(labels), labels.mean()), labels)
    return Quality(
        auc=auc(scores, labels),
        user_auc=user_auc(scores, labels, users),
        log_loss=loss,
        normalised_entropy=loss / base if base else float("nan"),
        calibration=float(scores.sum() / labels.sum()) if labels.sum() else float("nan"),
        calibration_error=calibration_error(scores, labels),
    )


def auc(scores: F64, labels: F64) -> float:
    """The chance that a positive scores above a negative, ties counting half."""
    positives = float(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]
    above = float((ranks * labels).sum()) - positives * (positives + 1) / 2.0
    return above / (positives * negatives)


def user_auc(scores: F64, labels: F64, users: NDArray[np.int64]) -> float:
    order = np.argsort(users, kind="stable")
    starts = np.flatnonzero(np.diff(users[order])) + 1
    groups = np.split(order, starts)
    measured = [(auc(scores[group], labels[group]), len(group)) for group in groups]
    defined = [(value, size) for value, size in measured if not np.isnan(value)]
    if not defined:
        return float("nan")
    values, sizes = zip(*defined, strict=True)
    return float(np.average(values, weights=sizes))


def log_loss(scores: F64, labels: F64) -> float:
    clipped = np.clip(scores, EPSILON, 1.0 - EPSILON)
    return float(-(labels * np.log(clipped) + (1.0 - labels) * np.log1p(-clipped)).mean())


def calibration_error(scores: F64, labels: F64, bins: int = 10) -> float:
    chunks = np.array_split(np.argsort(scores, kind="stable"), bins)
    gaps = [abs(scores[c].mean() - labels[c].mean()) * len(c) for c in chunks if len(c)]
    return float(sum(gaps) / len(scores))
