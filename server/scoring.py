"""The model's outputs → calibrated scores, or the next best thing."""

import logging

import numpy as np

from models.features.records import F64
from models.runtime import Model
from server.assembly import Assembled
from server.fallback import prior_scores
from server.ranked import Scored

log = logging.getLogger(__name__)


class Scorer:
    """A model that fails is no reason to fail the caller: the prior rates still order."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._is_failing = False

    def score(self, assembled: Assembled, task: int) -> Scored:
        """Blocking."""
        try:
            outputs = self._model.run(assembled.arrays)
            scores = self._model.probabilities(outputs.logit, task)
        except Exception as error:
            self._note(error)
            return Scored(self._prior(assembled, task), "failed")
        if not np.isfinite(scores).all():
            return Scored(self._prior(assembled, task), "not_finite")
        self._is_failing = False
        return Scored(scores, None)

    def _prior(self, assembled: Assembled, task: int) -> F64:
        rates = prior_scores(assembled.counters, self._model.manifest.features.prior_rates)
        return rates[:, task]

    def _note(self, error: Exception) -> None:
        """Once for a run of failures; their number is in the metrics."""
        if not self._is_failing:
            log.error("the model fails; answering by prior rates", exc_info=error)
        self._is_failing = True
