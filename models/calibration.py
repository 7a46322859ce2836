"""Platt scaling (Platt 1999) on the validation window, by scikit-learn."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.features.records import F32
from models.manifest import Calibration


def fit(logit: F32, labels: NDArray[np.int8]) -> Calibration:
    """From one task's logits and labels (−1 unknown); the identity when one class is missing."""
    known = labels >= 0
    logit, labels = logit[known], labels[known]
    if len(labels) == 0 or labels.min() == labels.max():
        return Calibration(scale=1.0, offset=0.0)
    fitted = LogisticRegression(C=1e6).fit(logit.astype(np.float64)[:, None], labels)
    scale = float(fitted.coef_[0, 0])
    # A negative slope would turn the ranking around: keep the order, move the level only.
    if scale <= 0:
        scale = 1.0
    return Calibration(scale=scale, offset=float(fitted.intercept_[0]))
