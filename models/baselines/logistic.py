"""Logistic regression by scikit-learn: one-hot hashed columns beside standardised numbers."""

import numpy as np
from pydantic import Field
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from models.baselines.baseline import Logits
from models.baselines.columns import Reads
from models.baselines.design import Design
from models.features.records import F32


class LogisticConfig(Reads):
    penalty: float = Field(default=30.0, gt=0)  # of the squared weights, against summed log loss
    iterations: int = Field(default=300, gt=0)

    def fit(self, train: Design, validation: Design, task: int, seed: int) -> Logits:
        train = train.known(task)
        scaler = StandardScaler().fit(train.numbers(self))
        model = LogisticRegression(C=1.0 / self.penalty, max_iter=self.iterations)
        model.fit(_matrix(train, scaler, self), train.label(task))

        def logits(design: Design) -> F32:
            decided: F32 = model.decision_function(_matrix(design, scaler, self))
            return decided.astype(np.float32)

        return logits


def grid(match_length: int = 0) -> tuple[LogisticConfig, ...]:
    penalties = (10.0, 30.0, 100.0, 300.0)
    return tuple(LogisticConfig(penalty=p, match_length=match_length) for p in penalties)


def _matrix(design: Design, scaler: StandardScaler, reads: Reads) -> csr_matrix:
    numbers = csr_matrix(scaler.transform(design.numbers(reads)))
    return hstack([one_hot(design), numbers], format="csr")


def one_hot(design: Design) -> csr_matrix:
    """`[n, sum of buckets]`, one 1 a categorical column."""
    count, columns = design.categorical.shape
    buckets = np.array(design.columns.buckets)
    place = design.categorical + (buckets.cumsum() - buckets)
    ones = np.ones(place.size, np.float32)
    starts = np.arange(count + 1) * columns
    return csr_matrix((ones, place.reshape(-1), starts), shape=(count, int(buckets.sum())))
