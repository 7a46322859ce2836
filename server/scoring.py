"""The model's outputs → calibrated scores, the stand-in's, or prior rates."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from models.features.prior_rates import prior_scores
from models.features.records import F64
from models.runtime import Model
from server.assembly import Assembled, Assembly
from server.inference import Backend, Headers
from server.ranked import Scored, Wanted
from server.stand_in import StandIn

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


class _Told(NamedTuple):
    """What one run says of all its candidates."""

    by_task: Mapping[str, F64]
    worth: F64 | None

    def is_finite(self, part: slice) -> bool:
        return all(bool(np.isfinite(scores[part]).all()) for scores in self.by_task.values())


class Scorer:
    """A model that fails is no reason to fail the caller."""

    def __init__(self, model: Model, backend: Backend, stand_in: StandIn | None = None) -> None:
        manifest = model.manifest
        self._stand_in = stand_in
        self._model = model
        self._backend = backend
        self.is_remote = backend.is_remote
        self._names = manifest.tasks
        self._formula = manifest.value
        valued = manifest.value.powers if manifest.value else ()
        self._valued = [manifest.tasks.index(task) for task in valued]
        self._is_failing = False

    def score(
        self,
        assembly: Assembly,
        first: int,
        last: int,
        wanted: Sequence[Wanted],
        until_ns: int,
        headers: Headers = None,
    ) -> list[Scored]:
        """Of requests `first` to `last` - 1, each by what it wants, in one run. Blocking.
        `until_ns`: their first deadline; `headers` go along where the model is elsewhere."""
        scored = self._run(assembly, first, last, wanted, until_ns, headers)
        if len(scored) > 1 and any(each.reason and each.logit is None for each in scored):
            # One bad request fails alone: within a run, one's bad history spreads to others.
            alone = zip(range(first, last), wanted, strict=True)
            return [
                self._run(assembly, at, at + 1, [each], until_ns, headers)[0] for at, each in alone
            ]
        return scored

    def _run(
        self,
        assembly: Assembly,
        first: int,
        last: int,
        wanted: Sequence[Wanted],
        until_ns: int,
        headers: Headers,
    ) -> list[Scored]:
        requests = assembly.requests[first:last]
        if not any(assembled.summary.candidates for assembled in requests):
            return [self._prior(*each, None) for each in zip(requests, wanted, strict=True)]
        try:
            logit, reason = self._backend.run(assembly.inputs(first, last), until_ns, headers)
        except Exception as error:
            self._note(error)
            places = range(first, last)
            return [
                self._instead(assembly, *each, "failed")
                for each in zip(places, wanted, strict=True)
            ]
        self._is_failing = False
        told = self._told(wanted, lambda task: self._model.probabilities(logit, task))
        is_finite = all(np.isfinite(scores).all() for scores in told.by_task.values())
        scored, start = [], 0
        for place, each in zip(range(first, last), wanted, strict=True):
            count = len(assembly.requests[place].item_keys)
            part = slice(start, start := start + count)
            if is_finite or told.is_finite(part):
                scored.append(self._part(told, part, each, reason)._replace(logit=logit[part]))
            else:
                scored.append(self._instead(assembly, place, each, "not_finite"))
        return scored

    def _instead(self, assembly: Assembly, place: int, wanted: Wanted, reason: str) -> Scored:
        """When the lane's model gave nothing for this request."""
        stand_in = self._stand_in
        logit = None if stand_in is None else stand_in.logit(assembly, place)
        if stand_in is None or logit is None or not np.isfinite(logit).all():
            return self._prior(assembly.requests[place], wanted, reason)
        calibrated = stand_in.model.probabilities
        told = self._told([wanted], lambda task: calibrated(logit, task))
        return self._part(told, slice(None), wanted, f"{reason}_stand_in")

    def _told(self, wanted: Sequence[Wanted], probabilities: Callable[[int], F64]) -> _Told:
        """Of the tasks that anybody wants, and the worth if anybody goes by it."""
        every = any(each.every_task for each in wanted)
        by_value = any(each.by_value for each in wanted)
        tasks = range(len(self._names)) if every else {each.task for each in wanted}
        if by_value and not every:
            tasks = {*tasks, *self._valued}
        by_task = {self._names[task]: probabilities(task) for task in tasks}
        worth = self._formula.of(by_task) if self._formula and by_value else None
        return _Told(by_task, worth)

    def _part(self, told: _Told, part: slice, wanted: Wanted, reason: str | None) -> Scored:
        worth = told.worth[part] if told.worth is not None and wanted.by_value else None
        every = None
        if wanted.every_task:
            every = {name: scores[part] for name, scores in told.by_task.items()}
        return Scored(told.by_task[self._names[wanted.task]][part], reason, worth, every)

    def _prior(self, assembled: Assembled, wanted: Wanted, reason: str | None) -> Scored:
        rates = prior_scores(assembled.counters, self._model.manifest.features.prior_rates)
        told = self._told([wanted], lambda task: rates[:, task])
        return self._part(told, slice(None), wanted, reason)

    def _note(self, error: Exception) -> None:
        """Once for a run of failures; their number is in the metrics."""
        if not self._is_failing:
            log.error("the model fails; answering by prior rates", exc_info=error)
        self._is_failing = True
