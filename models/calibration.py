"""Platt scaling (Platt 1999) on the validation window, by scikit-learn."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from models.data.batches import shown
from models.data.causal import Replay
from models.examples import CacheSource, Examples
from models.features.records import F32
from models.manifest import Calibration
from models.predict import predict
from models.schema import FeatureSchema
from models.student import Student
from models.teacher import Teacher


def fit(logit: F32, labels: NDArray[np.int8]) -> Calibration:
    """From one task's logits and labels (−1 unknown); the identity when one class is missing."""
    known = labels >= 0
    logit, labels = logit[known], labels[known]
    if len(labels) == 0 or labels.min() == labels.max():
        return Calibration(scale=1.0, offset=0.0)
    fitted = LogisticRegression(C=1e6).fit(logit.astype(np.float64)[:, None], labels)
    scale = float(fitted.coef_[0, 0])
    if scale <= 0:
        # It would turn the ranking around: keep the order, move the level only.
        return Calibration(scale=1.0, offset=_level(logit, labels))
    return Calibration(scale=scale, offset=float(fitted.intercept_[0]))


def _level(logit: F32, labels: NDArray[np.int8]) -> float:
    """The offset under which the mean probability is the share of positives."""
    wide, share = logit.astype(np.float64), float(labels.mean())
    most = float(np.abs(wide).max()) + 40.0  # where every probability is 0 or 1 to 1e-17
    return float(brentq(lambda offset: float(expit(wide + offset).mean()) - share, -most, most))


def on_validation(
    replay: Replay, model: Student | Teacher, features: FeatureSchema, cache: CacheSource | None
) -> dict[str, Calibration]:
    """By task, on the window that ends before the test window begins."""
    requests = replay.requests_in(replay.log.periods.validation)
    logit = predict(model, Examples.of(replay, features), requests, cache)
    labels = replay.labels[shown(replay, requests).impression]
    return {
        name: fit(logit[:, task], labels[:, task])
        for task, name in enumerate(replay.log.schema.tasks)
    }
