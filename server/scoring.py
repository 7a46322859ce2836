"""The model's outputs → calibrated scores, or the next best thing."""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from models.runtime import Model
from server.assembly import Assembled, Assembly
from server.fallback import prior_scores
from server.ranked import Scored

log = logging.getLogger(__name__)

RUN_CELLS: Final = 800
"""Requests × candidates of the fullest one, in a run of the model that several share. A run costs
the same start whatever its size, and a large one leaves the processor's cache:
docs/performance.md has the figures."""


def runs(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Spans of consecutive requests, by their numbers of candidates, that share a run."""
    first, widest = 0, 0
    for last, size in enumerate(sizes):
        widest = max(widest, size)
        if last > first and widest * (last + 1 - first) > RUN_CELLS:
            yield first, last
            first, widest = last, size
    if sizes:
        yield first, len(sizes)


class Scorer:
    """A model that fails is no reason to fail the caller: the prior rates still order."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._is_failing = False

    def score(
        self, assembly: Assembly, first: int, last: int, tasks: Sequence[int]
    ) -> list[Scored]:
        """Of requests `first` to `last` - 1, each by its task, in one run. Blocking."""
        scored = self._run(assembly, first, last, tasks)
        if len(scored) > 1 and any(each.reason for each in scored):
            # One bad request fails alone: within a run, one's bad history spreads to others.
            alone = zip(range(first, last), tasks, strict=True)
            return [self._run(assembly, at, at + 1, [task])[0] for at, task in alone]
        return scored

    def _run(self, assembly: Assembly, first: int, last: int, tasks: Sequence[int]) -> list[Scored]:
        requests = assembly.requests[first:last]
        try:
            logit = self._model.run(assembly.inputs(first, last)).logit
        except Exception as error:
            self._note(error)
            return [self._prior(*each, "failed") for each in zip(requests, tasks, strict=True)]
        self._is_failing = False
        of_task = {task: self._model.probabilities(logit, task) for task in set(tasks)}
        is_finite = all(np.isfinite(scores).all() for scores in of_task.values())
        scored, start = [], 0
        for assembled, task in zip(requests, tasks, strict=True):
            scores = of_task[task][start : start + len(assembled.item_keys)]
            start += len(scores)
            if is_finite or np.isfinite(scores).all():
                scored.append(Scored(scores, None))
            else:
                scored.append(self._prior(assembled, task, "not_finite"))
        return scored

    def _prior(self, assembled: Assembled, task: int, reason: str) -> Scored:
        rates = prior_scores(assembled.counters, self._model.manifest.features.prior_rates)
        return Scored(rates[:, task], reason)

    def _note(self, error: Exception) -> None:
        """Once for a run of failures; their number is in the metrics."""
        if not self._is_failing:
            log.error("the model fails; answering by prior rates", exc_info=error)
        self._is_failing = True
